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
--   'r'                     if it names one and has relaxed
--   EVERYBODY               if it names one; the only queue that may get long, and therefore a key of its own
-- So an open seeker that names a language looks under it, under NONE and, once relaxed, under 'r'; one that names none,
-- under NONE and EVERYBODY. The queues are short: who suit each other don't wait, so next to nobody but those who have
-- met each other is in one, and under a topic one of each language.
--
-- Extending: more goes behind the rest; older versions don't look there. Whatever changes the meaning of what stands
--            before gets another version: tickets of other versions are passed over by those who don't know them, and
--            wait for their like.
local VERSION, YES = byte('1'), byte('1')
local PLACE, ENTRY = 16, 33 -- bytes
local NONE = string.rep('\0', 8)
local OPEN, OPEN_TO_ALL, RELAXED = 'o', 'o' .. NONE, 'r'

local open_stands = {} -- of tickets without topics, by language and whether they have relaxed

-- Where a ticket stands: its queues, the topics first; how many these are; whether it is open, and whether EVERYBODY is
-- one of its queues. Borrowed: it may be another ticket's, too.
local function stand_of(ticket)
    local topics, tail = byte(ticket, 75), sub(ticket, 67, 74) .. sub(ticket, 4, 4)
    if topics == 0 and open_stands[tail] then
        return open_stands[tail]
    end
    local language, relaxed = sub(tail, 1, 8), byte(tail, 9) == YES
    local open, queues = topics == 0 or relaxed, {}
    local stand = {
        queues = queues, topics = topics, open = open, everybody = open and language ~= NONE,
        language = language, relaxed = relaxed, tail = tail,
    }
    for i = 1, topics do
        queues[i] = sub(ticket, 68 + 8 * i, 75 + 8 * i)
    end
    if open then
        queues[topics + 1] = OPEN .. language
        if stand.everybody and relaxed then
            queues[topics + 2] = RELAXED
        end
    end
    if topics == 0 then
        open_stands[tail] = stand
    end
    return stand
end
