#include "net/tls_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/testing/certificates.hpp"
#include "sys/clock.hpp"

namespace postrider::net {
namespace {

using testing::Folder;
using ::testing::HasSubstr;
using testing::make_certificate;

TlsFault fault_of(const TlsFiles& files) {
  const auto read = TlsCertificate::read(files);
  return read ? TlsFault{} : read.error();
}

TEST(TlsCertificate, KnowsItsNamesAndKind) {
  const auto rsa = testing::certificate({.names = {"MX.test", "*.wild.test"}, .kind = testing::KeyKind::rsa});
  EXPECT_EQ(rsa->names(), (std::vector<std::string>{"mx.test", "*.wild.test"}));
  EXPECT_EQ(rsa->kind(), "RSA");
  EXPECT_EQ(testing::certificate()->kind(), "EC");
  EXPECT_TRUE(rsa->is_for("mx.test"));
  EXPECT_TRUE(rsa->is_for("a.wild.test"));
  EXPECT_FALSE(rsa->is_for("a.b.wild.test"));
  EXPECT_FALSE(rsa->is_for("wild.test"));
  EXPECT_FALSE(rsa->is_for("test"));  // its common name is no name
}

TEST(TlsCertificate, SaysWhenItIsNotValid) {
  const auto now = sys::system_clock().utc();
  EXPECT_EQ(testing::certificate()->fault_at(now), "");
  EXPECT_THAT(testing::certificate({.from = -7200, .until = -3600})->fault_at(now),
              HasSubstr("it expired on 20"));
  EXPECT_THAT(testing::certificate({.from = 3600, .until = 7200})->fault_at(now),
              HasSubstr("it is not valid before 20"));
}

TEST(TlsCertificate, IsRefusedWithAKeyThatIsNotItsOwn) {
  const Folder folder;
  const auto one = folder.write("one", make_certificate());
  const auto other = folder.write("other", make_certificate());
  const auto fault = fault_of({one.certificate, other.key});
  EXPECT_EQ(fault.of, TlsFault::Of::key);
  EXPECT_THAT(fault.what, HasSubstr("other.key is not the key of the certificate in"));
}

TEST(TlsCertificate, IsRefusedWhereAFileIsMissingOrDamaged) {
  const Folder folder;
  const auto pem = make_certificate();
  const auto good = folder.write("good", pem);
  const auto missing = fault_of({"/nonexistent/a.pem", good.key});
  EXPECT_EQ(missing.of, TlsFault::Of::certificate);
  EXPECT_EQ(missing.what, "/nonexistent/a.pem can't be read: No such file or directory");
  EXPECT_THAT(fault_of({good.certificate, folder.write("k", "")}).what, HasSubstr("/k holds no private key"));
  EXPECT_THAT(fault_of({folder.write("c", ""), good.key}).what, HasSubstr("/c holds no certificate"));
  // A second one that breaks off in its middle.
  const auto half =
      folder.write("half", pem.certificate + pem.certificate.substr(0, pem.certificate.size() / 2));
  EXPECT_THAT(fault_of({half, good.key}).what, HasSubstr("/half is damaged"));
  EXPECT_THAT(fault_of({folder.write("big", std::string((1u << 20) + 1, '\n')), good.key}).what,
              HasSubstr("larger than 1 MiB"));
  EXPECT_THAT(fault_of({"/dev/null", good.key}).what, HasSubstr("holds no certificate"));
}

TEST(TlsCertificate, HasAStateThatChangesWithItsFiles) {
  const Folder folder;
  const auto files = folder.write("one", make_certificate());
  const auto before = state_of(files);
  EXPECT_EQ(state_of(files), before);
  folder.write("one.key", "another length");
  EXPECT_NE(state_of(files), before);
  EXPECT_EQ(state_of({"/nonexistent", "/nonexistent"}), "none;none;");
}

}  // namespace
}  // namespace postrider::net
