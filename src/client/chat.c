/* chat.c - `passerby chat`: talks to a stranger from a terminal, or from a pipe.
 *
 * Flow:  find → matched → lines are said, messages are shown → the chat ends → a person decides what comes next, a
 *        pipe is done. When the input has ended and everything is acknowledged, it leaves and is done.
 * Fails: before the first connection stands, an attempt that fails ends it; later ones are made good (visit.c, link.c).
 *        Status 1 if something that was said may never have been shown.
 * Owns:  the loop, and everything on it. */
#include "passerby/client.h"

#include "chat_options.h"
#include "input.h"
#include "printable.h"
#include "terminal.h"
#include "visitor.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
    MOST_UNACKNOWLEDGED = 64, /* then the input waits */
    FAREWELL_MS = 2000,       /* for the node to hear that we leave */
    EXIT_USAGE = 2,
    EXIT_SIGNAL = 128,
    SIGNALS = 4,
};

struct chat {
    struct chat_options options;
    uv_loop_t loop;
    struct sockets *sockets;
    struct visitor *visitor;
    struct terminal terminal;
    struct input input;
    uv_signal_t signals[SIGNALS];
    uv_timer_t timer;   /* --timeout, and then the farewell */
    bool is_person;     /* decides what comes next */
    bool searching;     /* the person asked for somebody else */
    bool leaving;       /* it is done as soon as the node knows */
    bool stranger_away; /* and it was said */
    bool troubled;      /* and it was said */
    bool done;
    int status;
};

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void finish(struct chat *chat) {
    chat->done = true;
    uv_stop(&chat->loop);
}

static void on_farewell(uv_timer_t *timer) {
    finish(timer->data);
}

/* Something that was to be said was not heard: a person has been told, for a program there is the exit status. */
static void fall_short(struct chat *chat) {
    if (!chat->is_person && chat->status == EXIT_SUCCESS)
        chat->status = EXIT_FAILURE;
}

/* Done, once the node knows that we leave. */
static void leave(struct chat *chat) {
    if (chat->leaving)
        return;
    chat->leaving = true;
    uv_timer_start(&chat->timer, on_farewell, FAREWELL_MS, 0);
    visitor_leave(chat->visitor);
}

static void on_timeout(uv_timer_t *timer) {
    struct chat *chat = timer->data;
    arguments_complain("chat", "--timeout: the time is up");
    chat->status = EXIT_FAILURE;
    leave(chat);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct chat *chat = handle->data;
    if (number == SIGCONT) {
        terminal_begin(&chat->terminal);
    } else if (number == SIGWINCH) {
        terminal_resized(&chat->terminal);
    } else {
        uv_signal_stop(handle); /* a second one ends it at once */
        chat->status = EXIT_SIGNAL + number;
        leave(chat);
    }
}

/* --- what the person does ----------------------------------------------------------------------------------------- */

static bool takes_commands(const struct chat *chat) {
    return chat->is_person || chat->options.commands;
}

/* Returns false if it can't be said now, or as it is. */
static bool say(struct chat *chat, struct text text) {
    if (text.length == 0)
        return true;
    if (!visitor_is_talking(chat->visitor)) {
        terminal_status(&chat->terminal, "nobody is here to hear it");
        fall_short(chat);
        return false;
    }
    struct buffer repaired = {0};
    printable_repair(&repaired, text);
    struct text body = {repaired.bytes, repaired.length};
    bool said = visitor_say(chat->visitor, body) != 0;
    if (said) {
        terminal_own(&chat->terminal, body);
    } else {
        terminal_status(&chat->terminal, "too long: %zu bytes; a message has at most %llu", body.length,
                        (unsigned long long)visitor_longest(chat->visitor));
        fall_short(chat);
    }
    buffer_fini(&repaired);
    return said;
}

static bool is_command(struct text line, const char *command) {
    return line.length == strlen(command) && memcmp(line.at, command, line.length) == 0;
}

static void find(struct chat *chat) {
    chat->searching = true;
    visitor_find(chat->visitor);
}

static void again(struct chat *chat) {
    if (visitor_again(chat->visitor))
        chat->searching = true;
    else
        terminal_status(&chat->terminal, "there is no stranger who could be found again");
}

/* A line is a command, or a message. Returns false for a message that was not taken. */
static bool obey(struct chat *chat, struct text line) {
    if (!takes_commands(chat) || line.length == 0 || line.at[0] != '/')
        return say(chat, line);
    if (line.length > 1 && line.at[1] == '/')
        return say(chat, (struct text){line.at + 1, line.length - 1});
    if (is_command(line, "/next"))
        find(chat);
    else if (is_command(line, "/again"))
        again(chat);
    else if (is_command(line, "/leave"))
        visitor_leave(chat->visitor);
    else if (is_command(line, "/quit"))
        leave(chat);
    else
        terminal_status(&chat->terminal, "the commands are /next, /again, /leave and /quit; to say /..., write //...");
    return true;
}

/* Returns false if the line was not taken: it stays, to be said later or shortened. */
static bool enter(struct chat *chat) {
    struct editor *editor = &chat->terminal.editor;
    struct editor line = *editor;
    *editor = (struct editor){0}; /* what is printed meanwhile stands above an empty line */
    bool taken = obey(chat, editor_text(&line));
    if (taken)
        editor_fini(&line);
    else
        *editor = line;
    visitor_typing(chat->visitor, false);
    return taken;
}

static void feed_editor(struct chat *chat) {
    struct editor *editor = &chat->terminal.editor;
    struct text bytes = input_take_bytes(&chat->input);
    bool goes_on = true; /* else the rest of what was pasted would be added to a line that was not taken */
    for (size_t i = 0; i < bytes.length && goes_on && !chat->leaving; i++) {
        switch (editor_feed(editor, bytes.at[i])) {
        case EDITOR_NOTHING: break;
        case EDITOR_END: leave(chat); break;
        case EDITOR_POSITION: terminal_position(&chat->terminal, editor->column); break;
        case EDITOR_LINE: goes_on = enter(chat); break;
        case EDITOR_CHANGED: visitor_typing(chat->visitor, editor_text(editor).length > 0); break;
        }
    }
    terminal_draw(&chat->terminal);
}

/* A pipe waits for a stranger to talk to, and for what it said to be acknowledged. */
static bool may_take_line(const struct chat *chat) {
    if (chat->leaving)
        return false;
    if (chat->is_person)
        return true;
    if (!visitor_is_talking(chat->visitor))
        return chat->options.commands && visitor_is_over(chat->visitor);
    size_t most =
        chat->options.commands ? 1 : MOST_UNACKNOWLEDGED; /* the next line may be a command that ends the chat */
    return visitor_unacknowledged(chat->visitor) < most;
}

static void take_lines(struct chat *chat) {
    struct text line;
    while (may_take_line(chat)) {
        enum input_line what = input_take_line(&chat->input, &line);
        if (what == INPUT_NONE)
            break;
        if (what == INPUT_LINE) {
            (void)obey(chat, line);
        } else {
            terminal_status(&chat->terminal, "too long: a line was thrown away");
            fall_short(chat);
        }
    }
    input_run(&chat->input, may_take_line(chat));
}

static void on_input(void *context) {
    struct chat *chat = context;
    if (chat->terminal.edits)
        feed_editor(chat);
    else
        take_lines(chat);
    if (input_is_over(&chat->input) && chat->is_person)
        leave(chat);
    else if (input_is_over(&chat->input))
        visitor_typing(chat->visitor, false); /* brings about a turn, which looks whether that was all */
}

/* --- what happens ------------------------------------------------------------------------------------------------- */

static void on_matched(struct chat *chat, const struct notice *notice) {
    struct buffer topics = {0};
    for (size_t i = 0; i < notice->text_count; i++) {
        buffer_string(&topics, i == 0 ? "; you both like: " : ", ");
        buffer_append(&topics, notice->texts[i].at, notice->texts[i].length);
    }
    chat->stranger_away = chat->searching = false;
    terminal_status(&chat->terminal, "you are talking to a stranger%.*s", (int)topics.length,
                    topics.bytes == NULL ? "" : topics.bytes);
    buffer_fini(&topics);
}

static void on_stranger(struct chat *chat, const struct notice *notice) {
    if (!notice->on)
        terminal_status(&chat->terminal, "the stranger's connection is gone; the chat is kept for %llu s",
                        (unsigned long long)(notice->number + 999) / 1000);
    else if (chat->stranger_away)
        terminal_status(&chat->terminal, "the stranger is back");
    chat->stranger_away = !notice->on;
}

static void on_ended(struct chat *chat, const struct notice *notice) {
    static const struct {
        const char *reason;
        const char *sentence;
    } sentences[] = {
        {"you_left", "you left"},
        {"left", "the stranger left"},
        {"lost", "the stranger did not come back"},
        {"expired", "the chat is over"},
        {"closed", "the node closed the connection"},
    };
    const char *sentence = "the chat ended";
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strcmp(notice->texts[0].at, sentences[i].reason) == 0)
            sentence = sentences[i].sentence;
    terminal_typing(&chat->terminal, false);
    terminal_status(&chat->terminal, "%s%s", sentence,
                    chat->is_person && !chat->leaving && !chat->searching
                        ? "; /next finds another, /again the same if they want it too, /quit ends"
                        : "");
    if (notice->number > 0)
        terminal_status(&chat->terminal, "%llu of your messages may never have been shown",
                        (unsigned long long)notice->number);
    if (notice->number > 0 || (!takes_commands(chat) && !chat->leaving && input_pending(&chat->input) > 0))
        fall_short(chat);
    if (!takes_commands(chat))
        leave(chat);
}

static void on_closed(struct chat *chat, uint64_t code) {
    const char *why = "the node wants no more of this connection";
    if (code == 0)
        why = "the node speaks another version";
    else if (code == CLOSE_SUPERSEDED)
        why = "the chat was taken up by another connection";
    else if (code == CLOSE_BANNED)
        why = "the node has banned this address";
    arguments_complain("chat", "%s", why);
    chat->status = EXIT_FAILURE;
    finish(chat);
}

static void on_refused(struct chat *chat, const struct notice *notice) {
    if (notice->number > 0) {
        terminal_status(&chat->terminal, "a message was refused: %s", notice->texts[0].at);
    } else {
        arguments_complain("chat", "the node refuses the search: %s", notice->texts[0].at);
        leave(chat);
    }
    chat->status = EXIT_FAILURE;
}

static void on_notice(void *context, const struct notice *notice) {
    struct chat *chat = context;
    switch (notice->type) {
    case NOTICE_HELLO: chat->troubled = false; break;
    case NOTICE_WAITING:
        terminal_status(&chat->terminal, notice->on ? "waiting for the same stranger" : "looking for a stranger");
        break;
    case NOTICE_MATCHED: on_matched(chat, notice); break;
    case NOTICE_MESSAGE: terminal_message(&chat->terminal, notice->texts[0]); break;
    case NOTICE_TYPING: terminal_typing(&chat->terminal, notice->on); break;
    case NOTICE_DELIVERED: break;
    case NOTICE_STRANGER: on_stranger(chat, notice); break;
    case NOTICE_RESUMED: terminal_status(&chat->terminal, "connected again"); break;
    case NOTICE_ENDED: on_ended(chat, notice); break;
    case NOTICE_REFUSED: on_refused(chat, notice); break;
    case NOTICE_CLOSED: on_closed(chat, notice->number); break;
    case NOTICE_IGNORED:
        if (chat->options.common.verbose)
            arguments_complain("chat", "ignored from the node: %s", notice->texts[0].at);
        break;
    }
}

static void on_trouble(void *context, const char *why) {
    struct chat *chat = context;
    if (!visitor_was_greeted(chat->visitor)) {
        arguments_complain("chat", "%s: %s", chat->options.common.url, why);
        chat->status = EXIT_FAILURE;
        finish(chat);
    } else if (!chat->troubled && !chat->leaving && !chat->done) {
        chat->troubled = true;
        terminal_status(&chat->terminal, "not connected (%s); trying again", why);
    }
}

static void on_turn(void *context) {
    struct chat *chat = context;
    if (chat->terminal.failed) {
        chat->status = EXIT_FAILURE;
        leave(chat);
    }
    if (!chat->leaving && !chat->terminal.edits)
        take_lines(chat);
    bool all_said = input_is_over(&chat->input) && visitor_unacknowledged(chat->visitor) == 0;
    if (all_said && visitor_is_talking(chat->visitor) && !chat->options.stays)
        leave(chat);
    if (chat->leaving && visitor_is_over(chat->visitor))
        finish(chat);
}

static const struct visitor_listener listener = {.on_notice = on_notice, .on_trouble = on_trouble, .on_turn = on_turn};

/* --- life --------------------------------------------------------------------------------------------------------- */

static void start(struct chat *chat) {
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGCONT, SIGWINCH};
    signal(SIGPIPE, SIG_IGN); /* a reader of our stdout that has gone is noticed when writing */
    chat->is_person = isatty(STDIN_FILENO);
    terminal_init(&chat->terminal, chat->options.plain);
    input_init(&chat->input, &chat->loop, STDIN_FILENO, on_input, chat);
    uv_timer_init(&chat->loop, &chat->timer);
    chat->timer.data = chat;
    if (chat->options.common.timeout_ms > 0)
        uv_timer_start(&chat->timer, on_timeout, chat->options.common.timeout_ms, 0);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_signal_init(&chat->loop, &chat->signals[i]);
        chat->signals[i].data = chat;
        uv_signal_start(&chat->signals[i], on_signal, numbers[i]);
    }
    chat->visitor =
        visitor_new(&chat->loop, chat->sockets, &chat->options.url, &chat->options.criteria, &listener, chat);
    terminal_begin(&chat->terminal);
    input_run(&chat->input, chat->is_person);
    visitor_find(chat->visitor);
}

static void stop(struct chat *chat) {
    terminal_fini(&chat->terminal);
    visitor_free(chat->visitor);
    input_fini(&chat->input);
    uv_close((uv_handle_t *)&chat->timer, NULL);
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&chat->signals[i], NULL);
    sockets_free(chat->sockets);
    uv_run(&chat->loop, UV_RUN_DEFAULT);
}

int client_chat(int argc, char *const argv[]) {
    struct chat chat = {.status = EXIT_SUCCESS};
    enum arguments_result result = chat_options_read(&chat.options, argc, argv);
    if (result != ARGUMENTS_GOOD)
        return result == ARGUMENTS_HELP ? EXIT_SUCCESS : EXIT_USAGE;
    uv_loop_init(&chat.loop);
    chat.sockets = sockets_new(&chat.loop, &chat.options.common.trust);
    if (chat.sockets == NULL) {
        arguments_complain("chat", "libwebsockets could not be started");
        chat.status = EXIT_FAILURE;
    } else {
        start(&chat);
        while (!chat.done)
            uv_run(&chat.loop, UV_RUN_DEFAULT);
        stop(&chat);
    }
    int left = uv_loop_close(&chat.loop);
    assert(left == 0);
    (void)left;
    return chat.status;
}
