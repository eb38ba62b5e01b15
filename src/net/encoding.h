/* encoding.h - which content coding does a client like best? Pure. */
#ifndef NET_ENCODING_H
#define NET_ENCODING_H

#include <stdbool.h>

enum encoding { ENCODING_PLAIN, ENCODING_GZIP, ENCODING_BROTLI };

/* Accept-Encoding (RFC 9110 section 12.5.3; NULL if absent) to the coding with the greatest weight among those that we
 * have; Brotli before gzip before none where weights are equal. */
enum encoding encoding_choose(const char *accept_encoding, bool have_gzip, bool have_brotli);

/* Does If-None-Match (RFC 9110 section 13.1.2) name this entity tag, in any coding? */
bool encoding_tag_matches(const char *if_none_match, const char *etag);

/* Behind the tag's text: representations in different codings are different. */
const char *encoding_tag_suffix(enum encoding encoding);
/* "gzip", "br", or NULL. */
const char *encoding_name(enum encoding encoding);

#endif
