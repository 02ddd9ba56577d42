// What a transaction says, by what the server can and the message needs. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "deliver/client_content.hpp"
#include "deliver/client_results.hpp"
#include "wire/smtp/extensions.hpp"

namespace postrider::deliver {

struct ClientPlan {
  struct Recipient {
    std::size_t place = 0;
    std::string line;  // with CRLF
  };
  std::string mail;                   // with CRLF
  std::vector<Recipient> recipients;  // none: there is nothing to say
  bool chunks = false;                // BDAT instead of DATA
};

// Of the recipients that are open. Those for which the server does not do are decided here: a message that is larger
// than it takes (5.3.4), BINARYMIME and 8BITMIME (5.6.3) and SMTPUTF8 (5.6.7) that it does not know, and what is to come
// back when it is late (RFC 2852) where the server does not know that, or wants more time than is left (5.4.7). `first` is the message's
// first piece; `eight_bit`: there are octets above 127 in it, which need not be known where the server takes 8BITMIME or
// the message was not declared so. Undeclared ones, and those from the null sender, go as they are: nobody is helped by a
// bounce, or would get it, and almost all servers pass them.
ClientPlan plan_transaction(const wire::smtp::Extensions& offered, const ContentPiece& first, bool eight_bit,
                            ClientResults& results);

}  // namespace postrider::deliver
