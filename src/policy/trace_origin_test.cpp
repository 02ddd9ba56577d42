#include "policy/trace_origin.hpp"

#include <gtest/gtest.h>

#include "policy/trace.hpp"

namespace postrider::policy {
namespace {

const mail::Domain kHost = mail::Domain::parse("mx.example.com").value();

mail::Envelope envelope() {
  mail::Envelope envelope;
  envelope.origin.client = base::IpAddress::parse("192.0.2.1");
  envelope.origin.helo = "mail.example.net";
  envelope.origin.client_name = "a.very.long.name.of.a.server.that.makes.the.field.fold.example.net";
  envelope.origin.protocol = "ESMTPS";
  envelope.origin.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  return envelope;
}

std::string written(const mail::Envelope& envelope, Client client = Client::shown) {
  return received_field(envelope, {}, kHost, client) + "From: a@example.net\r\n";
}

TEST(TraceOrigin, ReadsWhatWeWrote) {
  auto sent = envelope();
  const std::string path =
      return_path_field(mail::ReversePath(mail::Address::parse("a@example.net").value()));
  for (const char* client : {"192.0.2.1", "2001:db8::1"}) {
    sent.origin.client = base::IpAddress::parse(client);
    for (const std::string& name : {std::string(), sent.origin.client_name}) {
      sent.origin.client_name = name;
      const auto origin = trace_origin(path + written(sent), kHost);
      ASSERT_TRUE(origin) << written(sent);
      EXPECT_EQ(origin->client.to_string(), client);
      EXPECT_EQ(origin->helo, "mail.example.net");
      ASSERT_TRUE(origin->reverse_path);
      EXPECT_EQ(origin->reverse_path->to_string(), "a@example.net");
    }
  }
  EXPECT_FALSE(trace_origin(written(sent), kHost)->reverse_path);
  EXPECT_TRUE(trace_origin("Return-Path: <>\r\n" + written(sent), kHost)->reverse_path->is_null());
}

TEST(TraceOrigin, BelievesNothingElse) {
  EXPECT_FALSE(trace_origin(written(envelope()), mail::Domain::parse("mx.example.org").value()));
  EXPECT_FALSE(trace_origin("Received: from x by y; z\r\n" + written(envelope()), kHost));
  EXPECT_FALSE(trace_origin(written(envelope(), Client::hidden), kHost));
  auto authenticated = envelope();
  authenticated.origin.protocol = "ESMTPSA";
  EXPECT_FALSE(trace_origin(written(authenticated), kHost));
  // A path below the field is another's.
  EXPECT_FALSE(trace_origin(written(envelope()) + "Return-Path: <b@example.net>\r\n", kHost)->reverse_path);
  for (const char* header :
       {"", "Received: \r\n", "Received: from a ([ by mx.example.com (Postrider) with ESMTP id x\r\n",
        "Received: from a ([192.0.2.1]) by mx.example.com (Postrider) with\r\n"})
    EXPECT_FALSE(trace_origin(header, kHost)) << header;
}

}  // namespace
}  // namespace postrider::policy
