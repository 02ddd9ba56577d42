// What is answered on the control socket, as JSON. Times are RFC 3339 in UTC, states and changes the words of
// request.hpp; bytes that are no UTF-8 (of headers, of replies) become U+FFFD.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "queue/operator.hpp"

namespace postrider::admin {

// {"action","reply","relay","detail","at"}; the reply is code, enhanced code and text.
boost::json::object to_json(const mail::Outcome& outcome);
// {"id","recipient","sender","original","to","destination","state","quarantined","due","attempts","last","received",
// "size"}; `due` is of what waits, `original` where it is another, `last` where there was an attempt.
boost::json::object to_json(const store::Listed& row);
// {"rows","next"}; next is null where that was all.
boost::json::object to_json(const store::ListedPage& page);
// The envelope, {"recipients": [...] with why and until, "edits","header"}. A recipient that has had its end is in state
// "gone".
boost::json::object to_json(const queue::Shown& shown);
boost::json::object to_json(const store::Suspension& suspension);
boost::json::object to_json(const queue::SiteState& site);
// {"error": {"code","permanent","text"}}
boost::json::object to_json(const base::Failure& failure);

// With U+FFFD for each byte that belongs to no character.
std::string clean_utf8(std::string_view text);

}  // namespace postrider::admin
