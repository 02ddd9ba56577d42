// The parts of `postrider sendmail`, a program that any user may call: neither setuid nor setgid, and trusting nothing that it
// is given. What it may do is decided by the server, which knows from the kernel who calls.
#pragma once

#include <sysexits.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "config/config.hpp"
#include "wire/submit/arguments.hpp"
#include "wire/submit/submission.hpp"

namespace postrider::app {

// Where the server can be found, as far as this user may know.
struct SendmailPlace {
  std::filesystem::path folder;  // [submit] folder
  std::shared_ptr<const config::Config>
      config;  // null: this user may not read it; the folder is the usual one
};

// Who calls: by the real user id, as the system knows it.
struct Caller {
  std::string login;      // "uid1000" where the system has no name for it
  std::string full_name;  // of the GECOS field
};
Caller caller();

// A message, ready for either way.
struct Prepared {
  wire::submit::Submission submission;
  std::string login;
  std::string header;  // as scan() gave it
  std::string body;
};

// How it ended: a code of sysexits.h, and what to tell on standard error.
struct Ending {
  int code = EX_OK;
  std::string told;
};

// To the running server. EX_TEMPFAIL: it is not there, or does not take it now (or not in whole, as some recipients are
// refused: the drop folder's collector can tell the sender). Waits for each answer with a deadline.
Ending submit_by_socket(const SendmailPlace& place, const Prepared& message);
// Into the drop folder: on the disk when it gives EX_OK.
Ending submit_by_drop(const SendmailPlace& place, const Prepared& message);

// -bs: SMTP between standard input and output and the server.
Ending pipe_smtp(const SendmailPlace& place);
// -bp and -q.
int list_queue(const SendmailPlace& place);
int run_queue(const SendmailPlace& place);

// Says it on standard error, after the program's name.
void complain(std::string_view what);

}  // namespace postrider::app
