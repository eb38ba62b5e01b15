-- ticket.lua - tickets and their places in the line, for the scripts that touch them (the build puts it in front of
-- those).
--
-- A ticket, its bytes counted from 1:
--   1 version  2 length of all of it (2 bytes)  4 relaxed, '0' or '1'  5 reliable  6 new
--   7 since when it waits, in microseconds (8)  15 place (16)  31 attempt (4)  35 person (8)  43 fence (8)
--   51 chat (16)  67 language (8)  75 number of topics  76 topics (8 each), number of recent strangers, those (8 each)
-- It is kept with the time since when it waits (8) in front: WAITING says how much later everything stands then.
--
-- It stands in the line once for each of its subjects with each of its scopes, as subject (8) scope (8) time (8)
-- place (16).
-- Subjects: its topics; and OPEN, if it would take somebody with whom it shares none.
-- Scopes:   its language, NONE if it names none; EVERYBODY, if it names one; RELAXED, if it names one and has relaxed.
-- So somebody who names a language looks under it, under NONE and, once relaxed, under RELAXED; somebody who names
-- none, under NONE and EVERYBODY. Whom they meet there suits them, but for strangers met and themselves.
--
-- Extending: more goes behind the rest; older versions don't look there. Whatever changes the meaning of what stands
--            before gets another version: tickets of other versions are passed over by those who don't know them, and
--            wait for their like.
local VERSION, YES = byte('1'), byte('1')
local WAITING = 8
local OPEN = string.rep('\0', 8)
local NONE, RELAXED, EVERYBODY = OPEN, string.rep('\255', 7) .. '\254', string.rep('\255', 8)
local LINE_TTL_MS = '600000' -- since something was put there; beats renew it

local function add_queues(queues, subject, language, relaxed)
    local n = #queues
    queues[n + 1] = subject .. language
    if language ~= NONE then
        queues[n + 2] = subject .. EVERYBODY
        if relaxed then
            queues[n + 3] = subject .. RELAXED
        end
    end
end

-- The queues of a ticket that waits, each a subject and a scope; and what follows them in the line: time and place.
local function places_of(waiter, place)
    local queues, language, topics = {}, sub(waiter, 67 + WAITING, 74 + WAITING), byte(waiter, 75 + WAITING)
    local relaxed = byte(waiter, 4 + WAITING) == YES
    for at = 76 + WAITING, 68 + WAITING + 8 * topics, 8 do
        add_queues(queues, sub(waiter, at, at + 7), language, relaxed)
    end
    if topics == 0 or relaxed then
        add_queues(queues, OPEN, language, relaxed)
    end
    return queues, sub(waiter, 1, 8) .. place
end
