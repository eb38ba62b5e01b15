/* histogram.c - latencies in buckets that grow with them: 32 for each power of two, so each is 3 % wide at most. */
#include "load.h"

#include "base/buffer.h"

static unsigned bucket_of(uint64_t us) {
    unsigned magnitude = 0;
    while (us >> magnitude >= 2u << HISTOGRAM_SUB_BITS)
        magnitude++;
    unsigned bucket = (unsigned)(us >> magnitude) + (magnitude << HISTOGRAM_SUB_BITS);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The first value beyond the bucket: what is reported is never better than what was measured. */
static uint64_t end_of(unsigned bucket) {
    if (bucket < 2u << HISTOGRAM_SUB_BITS)
        return bucket + 1u;
    unsigned magnitude = (bucket >> HISTOGRAM_SUB_BITS) - 1;
    return (uint64_t)(bucket - (magnitude << HISTOGRAM_SUB_BITS) + 1) << magnitude;
}

void histogram_add(struct histogram *histogram, uint64_t us) {
    histogram->buckets[bucket_of(us)]++;
    histogram->count++;
    if (us > histogram->most_us)
        histogram->most_us = us;
}

static uint64_t percentile(const struct histogram *histogram, double share) {
    uint64_t rank = (uint64_t)(share * (double)histogram->count);
    uint64_t seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > rank)
            return end_of(bucket);
    }
    return histogram->most_us;
}

void histogram_put(const struct histogram *histogram, struct buffer *out) {
    buffer_printf(out,
                  "\"latency_us\":{\"count\":%llu,\"p50\":%llu,\"p99\":%llu,\"p99.9\":%llu,\"max\":%llu,\"buckets\":[",
                  (unsigned long long)histogram->count, (unsigned long long)percentile(histogram, 0.5),
                  (unsigned long long)percentile(histogram, 0.99), (unsigned long long)percentile(histogram, 0.999),
                  (unsigned long long)histogram->most_us);
    const char *comma = "";
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        if (histogram->buckets[bucket] == 0)
            continue;
        buffer_printf(out, "%s[%llu,%llu]", comma, (unsigned long long)end_of(bucket),
                      (unsigned long long)histogram->buckets[bucket]);
        comma = ",";
    }
    buffer_string(out, "]},");
}
