#include "receive/drop_folder.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "base/testing/temporary_folder.hpp"
#include "receive/submit_folder.hpp"

namespace postrider::receive {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class DropFolderTest : public ::testing::Test {
 protected:
  DropFolderTest() {
    EXPECT_TRUE(prepare_submit_folder(folder_));
    opened_.emplace(DropFolder::open(folder_).value());
  }

  static std::string whole(const std::string& header = "To: a\r\n", const std::string& body = "x\r\n") {
    wire::submit::DropHead head{
        .submission = {.recipients = {"a"}, .unique = "1"}, .header = header.size(), .body = body.size()};
    return encode(head) + header + body + std::string(wire::submit::kDropEnd);
  }
  void put(const std::string& name, const std::string& octets) const {
    std::ofstream(drop_path(folder_) / name, std::ios::binary) << octets;
  }
  std::string fault(const std::string& name, std::uint64_t most = 1000) const {
    const auto file = opened_->open_file(name, most);
    return file ? "none" : file.error().why;
  }
  std::vector<std::string> names() {
    std::vector<std::string> all;
    opened_->for_each([&](const std::string& name) {
      all.push_back(name);
      return true;
    });
    return all;
  }
  std::size_t kept() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(aside_path(folder_)), {}));
  }

  const base::testing::TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path() / "submit";
  std::optional<DropFolder> opened_;
};

TEST_F(DropFolderTest, LetsOthersPutSomethingInAndSeeNothing) {
  const auto mode = [](const fs::path& path) {
    struct stat status{};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  };
  EXPECT_EQ(mode(folder_), 0711u);
  EXPECT_EQ(mode(drop_path(folder_)), 01733u);
  EXPECT_EQ(mode(aside_path(folder_)), 0700u);
}

TEST_F(DropFolderTest, TakesAWholeFile) {
  put("1.mail", whole());
  const auto file = opened_->open_file("1.mail", 1000);
  ASSERT_TRUE(file) << file.error().why;
  EXPECT_EQ(file->uid, ::geteuid());
  EXPECT_EQ(file->read(file->content_at, 10), "To: a\r\nx\r\n");
  EXPECT_THAT(file->head.submission.recipients, UnorderedElementsAre("a"));
}

TEST_F(DropFolderTest, RefusesEveryPartOfAFile) {
  const std::string all = whole();
  for (std::size_t size = 0; size < all.size(); ++size) {
    put("1.mail", all.substr(0, size));
    EXPECT_NE(fault("1.mail"), "none") << size;
  }
  put("1.mail", all + "x");
  EXPECT_EQ(fault("1.mail"), "not whole");
  put("1.mail", all.substr(0, all.size() - 2) + "x\n");
  EXPECT_EQ(fault("1.mail"), "without its end");
}

TEST_F(DropFolderTest, RefusesSizesThatWouldNotFitANumber) {
  std::string all = whole();
  const auto at = all.find("header 7");
  put("1.mail", all.replace(at, 8, "header 2305843009213693951"));
  EXPECT_EQ(fault("1.mail"), "not whole");
}

TEST_F(DropFolderTest, RefusesWhatIsTooLarge) {
  put("1.mail", whole());
  fs::resize_file(drop_path(folder_) / "1.mail", wire::submit::kMaxDropHead + 2000);
  EXPECT_EQ(fault("1.mail", 1000), "too large");
}

TEST_F(DropFolderTest, FollowsNoLinksAndWaitsForNoPipe) {
  put("secret", whole());
  fs::create_symlink(drop_path(folder_) / "secret", drop_path(folder_) / "link.mail");
  fs::create_hard_link(drop_path(folder_) / "secret", drop_path(folder_) / "second.mail");
  ASSERT_EQ(::mkfifo((drop_path(folder_) / "pipe.mail").c_str(), 0666), 0);
  fs::create_directory(drop_path(folder_) / "folder.mail");
  EXPECT_EQ(fault("link.mail"), "no regular file");
  EXPECT_EQ(fault("second.mail"), "it has other names too");
  EXPECT_EQ(fault("pipe.mail"), "no regular file");
  EXPECT_EQ(fault("folder.mail"), "no regular file");
  EXPECT_EQ(fault("missing.mail"), "gone");
}

TEST_F(DropFolderTest, KeepsBadFilesAsideAndRemovesWhatIsNone) {
  put("bad.mail", "rubbish");
  put("alien", whole());
  ASSERT_EQ(::mkfifo((drop_path(folder_) / "pipe.mail").c_str(), 0666), 0);
  fs::create_directory(drop_path(folder_) / "folder.mail");
  fs::create_directory(drop_path(folder_) / "full.mail");
  std::ofstream(drop_path(folder_) / "full.mail/x") << "x";
  for (const auto& name : names()) {
    const auto file = opened_->open_file(name, 1000);
    ASSERT_FALSE(file);
    opened_->set_aside(name, file.error());
  }
  EXPECT_THAT(names(), IsEmpty()) << "what can't be removed is passed over";
  EXPECT_TRUE(fs::exists(drop_path(folder_) / "full.mail/x"));
  EXPECT_EQ(opened_->aside(), 2u);
  EXPECT_TRUE(fs::exists(aside_path(folder_) / "bad.mail") && fs::exists(aside_path(folder_) / "alien"));
  EXPECT_EQ(DropFolder::open(folder_)->aside(), 2u) << "counted anew at a start";
}

TEST_F(DropFolderTest, KeepsABoundedNumberAside) {
  for (std::size_t i = 0; i <= DropFolder::kMostAside; ++i) {
    put("bad.mail", "rubbish");
    fs::rename(drop_path(folder_) / "bad.mail", drop_path(folder_) / (std::to_string(i) + ".mail"));
    opened_->set_aside(std::to_string(i) + ".mail", {.why = "test"});
  }
  EXPECT_EQ(kept(), DropFolder::kMostAside);
  EXPECT_THAT(names(), IsEmpty());
}

TEST_F(DropFolderTest, LetsProgramsFinishWhatTheyWrite) {
  put("tmp.1", "half");
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_TRUE(fs::exists(drop_path(folder_) / "tmp.1"));
}

TEST(SubmitFolder, RefusesWhatIsNoFolder) {
  const base::testing::TemporaryFolder temporary;
  const fs::path folder = temporary.path() / "submit";
  std::ofstream(folder) << "x";
  const auto prepared = prepare_submit_folder(folder);
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().text, "can't use " + folder.string() + " for local programs: that is no folder");
  fs::remove(folder);
  fs::create_directory_symlink("/tmp", folder);
  EXPECT_FALSE(prepare_submit_folder(folder));
}

}  // namespace
}  // namespace postrider::receive
