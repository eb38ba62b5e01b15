/* service.h - the whole process: its workers, its signals, its end. */
#ifndef PASSERBY_SERVICE_H
#define PASSERBY_SERVICE_H

#include "passerby/assets.h"
#include "passerby/config.h"
#include "passerby/log.h"
#include "passerby/metrics.h"

struct service;

/* Binds and listens; nothing is accepted yet. Configuration, log, page and build info are borrowed until
 * service_free(). NULL, and one line in `error` that names what can't be had, when it fails: then nothing has been
 * started. */
struct service *service_new(const struct config *config, struct log *log, const struct asset *page,
                            const struct build_info *build, char *error, size_t error_size);

/* Serves until SIGTERM or POST /drain (drains, then ends) or SIGINT (ends at once). */
void service_run(struct service *service);

void service_free(struct service *service);

#endif
