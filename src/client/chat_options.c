/* chat_options.c - the command line of `passerby chat`. */
#include "chat_options.h"

#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

static const char usage[] = "Usage: passerby chat [URL] [OPTION]...\n"
                            "\n"
                            "Talks to a stranger, by default through ws://localhost:8080/ws. Each line is a\n"
                            "message. /next finds another stranger, /again the same one if they want it too,\n"
                            "/leave leaves this one, /quit ends; a message that begins with / is written\n"
                            "with //.\n"
                            "\n"
                            "In a pipe, stdin is said, with no commands, and what the stranger says comes on\n"
                            "stdout, a line each. It ends when the stranger has left, or when stdin has ended\n"
                            "and the stranger has everything.\n";

static const char status_text[] = "Exit status: 0 the stranger has everything that was said; 1 not, or there was no\n"
                                  "connection; 2 the command line is wrong; 128+N ended by signal N.\n";

static bool check_topic(const char *topic) {
    size_t length = strlen(topic);
    while (length > 0 && (*topic == ' ' || *topic == '\t'))
        topic++, length--;
    while (length > 0 && (topic[length - 1] == ' ' || topic[length - 1] == '\t'))
        length--;
    utf8proc_ssize_t points =
        utf8proc_decompose((const utf8proc_uint8_t *)topic, (utf8proc_ssize_t)length, NULL, 0, (utf8proc_option_t)0);
    if (points >= 1 && points <= MAX_TOPIC_CODE_POINTS)
        return true;
    arguments_complain("chat", "--topic: \"%.80s\" is not a topic; use 1 to %d characters of UTF-8", topic,
                       MAX_TOPIC_CODE_POINTS);
    return false;
}

/* BCP 47, as far as its form goes: letters, then subtags of letters and digits. */
static bool check_language(const char *tag) {
    size_t letters = tag == NULL ? 2 : strcspn(tag, "-");
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (tag == NULL || (letters >= 2 && letters <= MAX_LANGUAGE_BYTES && strspn(tag, alphabet) == letters &&
                        strspn(tag, "-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(tag)))
        return true;
    arguments_complain("chat", "--lang: \"%.80s\" is not a language; use a tag like en or pt-BR", tag);
    return false;
}

enum arguments_result chat_options_read(struct chat_options *options, int argc, char *const argv[]) {
    *options = (struct chat_options){.common.url = "ws://localhost:8080/ws"};
    struct argument_list topics = {.count = 0};
    const struct argument rows[] = {
        {ARGUMENT_LIST, "topic", "TEXT", &topics, "Prefer strangers who like that too. Up to 8 times."},
        {ARGUMENT_TEXT, "lang", "TAG", &options->criteria.language,
         "Prefer strangers of that language: en, pt-BR, ..."},
        {ARGUMENT_SWITCH, "commands", NULL, &options->commands, "Take commands from a pipe too."},
        {ARGUMENT_SWITCH, "stay", NULL, &options->stays, "Stay until the stranger leaves, when stdin has ended."},
        {ARGUMENT_SWITCH, "plain", NULL, &options->plain, "No colours, and nothing that is drawn anew."},
        OPTIONS_ROWS(options->common, "End after so long, with status 1."),
    };
    const struct arguments arguments = {
        "chat", usage, status_text, rows, sizeof rows / sizeof *rows, &options->common.url,
    };
    enum arguments_result result = arguments_read(&arguments, argc, argv);
    if (result != ARGUMENTS_GOOD)
        return result;
    bool good = options_check("chat", &options->common, &options->url) && check_language(options->criteria.language);
    for (size_t i = 0; good && i < topics.count; i++) {
        good = check_topic(topics.values[i]);
        options->criteria.topics[options->criteria.topic_count++] = topics.values[i];
    }
    return good ? ARGUMENTS_GOOD : ARGUMENTS_BAD;
}
