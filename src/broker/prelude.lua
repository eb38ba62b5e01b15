-- prelude.lua - what every script begins with: requests in, answers and messages out. The build puts it in front of them.
--
-- KEYS  {pb}:n; all keys have this hash tag
-- ARGV  the asking node (8 bytes); then the requests of a turn of its loop, or of several: a letter, and what it needs
-- Gives an answer to each request, in their order, and behind them the pieces of what the asking node itself is told. An
--       answer '!' and a text is an error of that request: the others are carried out.
--
-- {pb}:n        HASH    node → how it is; and what is known of this Redis: beat.lua
-- {pb}:s        SET     nodes that let an offer time out, until they are heard again
-- {pb}:t        HASH    the line: tickets, and who stands in which queue: line.lua
-- {pb}:l        SET     the languages of those who wait: line.lua
-- {pb}:c:CHAT   STRING  a chat: chat.lua
-- {pb}:a:ADDRESS  HASH  how many connections an address has: crowd.lua
-- {pb}:i:NODE   channel of what is said to a node; a message is records of one kind (enum redis_message)
--
-- All values are bytes of fixed width, written by redis_codec.c: numbers have the most significant byte first, so
-- that they sort.
--
-- Speed: a call of Redis costs about a microsecond, a string that is made a tenth and a thousandth for each byte, as
--        Lua hashes all of it (tests/bench/redis_match.c measures the whole). So there is one call of a script for all
--        requests, and one message for each node that is told something; texts are passed on as they came;
--        what was asked once is remembered until the script ends; and what can be left to the node isn't put together here.
local NODES, SUSPECTS, LINE, LANGUAGES = '{pb}:n', '{pb}:s', '{pb}:t', '{pb}:l'

local call, byte, find, sub = redis.call, string.byte, string.find, string.sub
local pack, unpack_bytes = struct.pack, struct.unpack
local self = ARGV[1]

local function name_of(node)
    return string.format('%08x%08x', unpack_bytes('>I4I4', node))
end

-- The time in microseconds, the same for all requests.
local time_us
local function now()
    if not time_us then
        local time = call('TIME')
        time_us = time[1] * 1000000 + time[2]
    end
    return time_us
end

local channels = {} -- by node; false: nobody listens
local said = {} -- node → pieces of its message

-- Whether anybody listens to what is said to a node. As a script runs alone, the answer is good until its end.
local function listens(node)
    local channel = channels[node]
    if channel == nil then
        channel = '{pb}:i:' .. name_of(node)
        channel = (node == self or call('PUBSUB', 'NUMSUB', channel)[2] > 0) and channel
        channels[node] = channel
    end
    return channel
end

-- The pieces of what is said to a node that listens: append to them a record, which begins with the letter of its kind.
local function pieces_for(node)
    local pieces = said[node]
    if not pieces then
        pieces = {}
        said[node] = pieces
    end
    return pieces
end

-- A handler gets a request and its number in ARGV. `finish` writes what the handlers have left to it.
local function answer_all(handlers, finish)
    local answers, count = {}, #ARGV
    for i = 2, count do
        local request = ARGV[i]
        local good, answer = pcall(handlers[byte(request)], request, i)
        if not good then
            answer = '!' .. (type(answer) == 'table' and answer.err or answer)
        end
        answers[i - 1] = answer
    end
    if finish then
        finish()
    end
    answers[count] = said[self] or {}
    for node, pieces in pairs(said) do
        if node ~= self then
            call('PUBLISH', channels[node], table.concat(pieces))
        end
    end
    return answers
end
