#include "wire/submit/arguments.hpp"

#include <gmock/gmock.h>

namespace postrider::wire::submit {
namespace {

using ::testing::ElementsAre;
using Words = std::vector<std::string_view>;

Arguments read(const Words& words, std::string_view called = "sendmail") {
  auto arguments = parse_arguments(called, words);
  EXPECT_TRUE(arguments) << arguments.error().text;
  return arguments.value_or(Arguments{});
}

std::string fault(const Words& words) {
  const auto arguments = parse_arguments("sendmail", words);
  return arguments ? "none" : arguments.error().text;
}

TEST(SendmailArguments, OfCronPhpAndMailx) {
  Arguments cron = read({"-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"});
  EXPECT_EQ(cron.full_name, "CronDaemon");
  EXPECT_TRUE(cron.dot_is_text && cron.eight_bit && !cron.recipients_from_header);
  EXPECT_THAT(cron.recipients, ElementsAre("root"));

  Arguments php = read({"-t", "-i", "-fwww@example.com"});
  EXPECT_TRUE(php.recipients_from_header && php.dot_is_text);
  EXPECT_EQ(php.sender, "www@example.com");

  Arguments mailx = read({"-oi", "-f", "bob@example.com", "-odb", "--", "a@example.com", "-b@example.com"});
  EXPECT_TRUE(mailx.dot_is_text);
  EXPECT_THAT(mailx.recipients, ElementsAre("a@example.com", "-b@example.com"));
}

TEST(SendmailArguments, ShareAWord) {
  const Arguments arguments = read({"-tivfbob", "alice"});
  EXPECT_TRUE(arguments.recipients_from_header && arguments.dot_is_text && arguments.verbose);
  EXPECT_EQ(arguments.sender, "bob");
  EXPECT_THAT(arguments.recipients, ElementsAre("alice"));
}

TEST(SendmailArguments, HaveANullSenderInTwoSpellings) {
  EXPECT_EQ(read({"-f", "", "bob"}).sender, "");
  EXPECT_EQ(read({"-r", "<>", "bob"}).sender, "");
  EXPECT_EQ(read({"bob"}).sender, std::nullopt);
}

TEST(SendmailArguments, EndAtTheFirstRecipient) {
  EXPECT_THAT(read({"bob", "-t"}).recipients, ElementsAre("bob", "-t"));
}

TEST(SendmailArguments, NameTheModes) {
  EXPECT_EQ(read({"-bs"}).mode, Mode::smtp);
  EXPECT_EQ(read({"-bm"}).mode, Mode::deliver);
  EXPECT_EQ(read({"-bp"}).mode, Mode::list_queue);
  EXPECT_EQ(read({"-bi"}).mode, Mode::new_aliases);
  EXPECT_EQ(read({"-I"}).mode, Mode::new_aliases);
  EXPECT_EQ(read({}, "mailq").mode, Mode::list_queue);
  EXPECT_EQ(read({}, "newaliases").mode, Mode::new_aliases);
  EXPECT_EQ(read({"-q"}).mode, Mode::run_queue);
  EXPECT_EQ(read({"-q30m"}).mode, Mode::nothing);
  EXPECT_EQ(fault({"-bd"}), "-bd starts no server here: that is postrider serve");
  EXPECT_EQ(fault({"-bv", "bob"}),
            "-bv is not for here: postrider resolve tells where mail for an address would go");
  EXPECT_EQ(fault({"-bx"}), "unknown mode -bx");
  EXPECT_EQ(fault({"-qRexample.com"}),
            "-qRexample.com is not for here: postrider queue retry chooses among what waits");
}

TEST(SendmailArguments, AskForReports) {
  const Arguments arguments = read({"-N", "success,DELAY", "-Rhdrs", "-V", "a+20b", "bob"});
  EXPECT_EQ(arguments.notify, (mail::Notify{.specified = true, .success = true, .delay = true}));
  EXPECT_EQ(arguments.ret, mail::DsnReturn::headers);
  EXPECT_EQ(arguments.envid, "a b");
  EXPECT_TRUE(read({"-Nnever", "bob"}).notify.never());
  EXPECT_EQ(read({"-R", "full", "bob"}).ret, mail::DsnReturn::full);
  EXPECT_EQ(fault({"-N", "never,delay"}), "-N never can't have others beside it");
  EXPECT_EQ(fault({"-N", "often"}), "-N wants never, or success, failure and delay with commas between them");
  EXPECT_EQ(fault({"-R", "some"}), "-R wants full or hdrs");
  EXPECT_EQ(fault({"-V", "a b"}), "-V wants an envelope id in xtext of 1 to 100 octets");
}

TEST(SendmailArguments, IgnoreWhatPostfixIgnores) {
  const Arguments arguments = read({"-oem",   "-odq",         "-o7", "-O",         "DeliveryMode=b",
                                    "-om",    "-h",           "10",  "-X/tmp/log", "-G",
                                    "-Lmark", "-m",           "-n",  "-U",         "-Am",
                                    "-oA",    "/etc/aliases", "-p",  "smtp:x",     "bob"});
  EXPECT_THAT(arguments.recipients, ElementsAre("bob"));
  EXPECT_EQ(arguments, (Arguments{.recipients = {"bob"}}));
}

TEST(SendmailArguments, RefuseWhatNobodyKnows) {
  EXPECT_EQ(fault({"-Z"}), "unknown option -Z");
  EXPECT_EQ(fault({"--colour"}), "unknown option --colour");
  EXPECT_EQ(fault({"-f"}), "-f wants a value");
  EXPECT_EQ(fault({"--config"}), "--config wants a file");
  EXPECT_EQ(fault({"-B", "9BIT"}), "-B wants 7BIT or 8BITMIME");
}

TEST(SendmailArguments, RefuseControlCharactersInAddressesAndNames) {
  EXPECT_EQ(fault({"bob\nRCPT TO:<eve>"}), "a recipient has a control character");
  EXPECT_EQ(fault({"-f", "bob\r", "a"}), "the sender has a control character");
  EXPECT_EQ(fault({"-F", "Bob\nBcc: eve", "a"}), "-F has a control character");
  EXPECT_EQ(fault({"-V", "a+0Ab", "a"}), "-V has a control character");
}

TEST(SendmailArguments, NameTheConfiguration) {
  EXPECT_EQ(read({"-C", "/a", "bob"}).config, "/a");
  EXPECT_EQ(read({"--config", "/a", "-t"}).config, "/a");
  EXPECT_EQ(read({"--config=/a", "-t"}).config, "/a");
}

}  // namespace
}  // namespace postrider::wire::submit
