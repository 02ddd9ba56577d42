/* libspf2's answers: reads what spf_answers reads, says each result and reason on a line. */
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <spf2/spf.h>
#include <spf2/spf_dns_zone.h>

enum { FIELDS = 5, LINE = 65536 };

static int split(char* line, char* words[FIELDS]) {
  int count = 0;
  line[strcspn(line, "\n")] = '\0';
  while (line && count < FIELDS) words[count++] = strsep(&line, "\t");
  return count;
}

static ns_type type_of(const char* word) {
  if (strcmp(word, "A") == 0) return ns_t_a;
  if (strcmp(word, "AAAA") == 0) return ns_t_aaaa;
  if (strcmp(word, "MX") == 0) return ns_t_mx;
  if (strcmp(word, "PTR") == 0) return ns_t_ptr;
  return ns_t_txt;
}

static void check(SPF_server_t* server, char* words[FIELDS]) {
  SPF_request_t* request = SPF_request_new(server);
  SPF_response_t* response = NULL;
  char sender[1024];
  snprintf(sender, sizeof sender, "%s@%s", words[3], words[4]);
  if (strchr(words[1], ':'))
    SPF_request_set_ipv6_str(request, words[1]);
  else
    SPF_request_set_ipv4_str(request, words[1]);
  SPF_request_set_helo_dom(request, words[2]);
  SPF_request_set_env_from(request, sender);
  SPF_request_query_mailfrom(request, &response);
  printf("%s\t%s\n", SPF_strresult(SPF_response_result(response)), SPF_strerror(SPF_response_errcode(response)));
  SPF_response_free(response);
  SPF_request_free(request);
}

int main(void) {
  static char line[LINE];
  char* words[FIELDS];
  SPF_dns_server_t* zone = SPF_dns_zone_new(NULL, "zone", 0);
  SPF_server_t* server = SPF_server_new_dns(zone, 0);
  SPF_server_set_rec_dom(server, "mx.example.net");
  while (fgets(line, LINE, stdin)) {
    int count = split(line, words);
    if (strcmp(words[0], "CHECK") == 0)
      check(server, words);
    else if (strcmp(words[0], "SILENT") == 0)
      SPF_dns_zone_add_str(zone, words[1], ns_t_any, TRY_AGAIN, NULL);
    else
      SPF_dns_zone_add_str(zone, words[1], type_of(words[0]), NETDB_SUCCESS, words[count - 1]);
  }
  SPF_server_free(server);
  return 0;
}
