-- ticket.lua - tickets, and where they stand in the line, for the scripts that touch them (the build puts it in front of
-- those).
--
-- A ticket, its bytes counted from 1:
--   1 version  2 length of all of it (2 bytes)  4 relaxed, '0' or '1'  5 reliable  6 new
--   7 since when it waits, in microseconds (8)  15 place (16)  31 attempt (4)  35 person (8)  43 fence (8)
--   51 chat (16)  67 language (8)  75 number of topics  76 topics (8 each), number of recent strangers, those (8 each)
-- It stands in the line as an entry: 1 time (8)  9 place (16)  25 language (8)  33 relaxed, '0' or '1'. Its queues:
--   each of its topics (8)  whatever its language
--   and, if it is open, that is, takes somebody with whom it shares no topic:
--   'o' language (8)        NONE if it names none
--   'r'                     if it names a language and has relaxed
-- So an open seeker that names a language looks under it, under NONE and, once relaxed, under 'r'; one that names none,
-- under every language that somebody waits under. The queues are short: who suit each other don't wait, so next to nobody
-- but those who have met each other is in one, and under a topic one of each language.
--
-- Extending: more goes behind the rest; older versions don't look there. Whatever changes the meaning of what stands
--            before gets another version: tickets of other versions are passed over by those who don't know them, and
--            wait for their like.
local VERSION, YES = byte('1'), byte('1')
local PLACE, ENTRY, OPEN_QUEUE = 16, 33, 9 -- bytes
local NONE = string.rep('\0', 8)
local OPEN, OPEN_TO_ALL, RELAXED = 'o', 'o' .. NONE, 'r'

local open_queues, relaxed_queues = {}, {} -- language → the queues of tickets that name it and no topics

local function queues_without_topics(relaxed, language)
    local known = relaxed and relaxed_queues or open_queues
    local queues = known[language]
    if not queues then
        queues = {OPEN .. language, relaxed and language ~= NONE and RELAXED or nil}
        queues.topics, queues.relaxed, queues.language = 0, relaxed, language
        known[language] = queues
    end
    return queues
end

local function queues_with_topics(ticket, topics, relaxed, language)
    local queues = {topics = topics, relaxed = relaxed, language = language}
    for i = 1, topics do
        queues[i] = sub(ticket, 68 + 8 * i, 75 + 8 * i)
    end
    if relaxed then
        for _, queue in ipairs(queues_without_topics(true, language)) do
            queues[#queues + 1] = queue
        end
    end
    return queues
end

local known_queues = {} -- ticket → its queues

-- The queues of a ticket, the topics first; and what they follow from: how many topics, whether it has relaxed, its
-- language. Borrowed: they may be another ticket's, too.
local function queues_of(ticket)
    local queues = known_queues[ticket]
    if not queues then
        local topics, relaxed, language = byte(ticket, 75), byte(ticket, 4) == YES, sub(ticket, 67, 74)
        queues = topics == 0 and queues_without_topics(relaxed, language) or
            queues_with_topics(ticket, topics, relaxed, language)
        known_queues[ticket] = queues
    end
    return queues
end
