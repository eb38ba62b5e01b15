-- line.lua - the line as it is for the requests of one call: what they have read of it, and what they have changed.
--
-- {pb}:t, a HASH: place → ticket; queue → its entries, one behind the other, by time; COUNT → how many tickets there are.
-- (That there are tickets makes it a hash table: a listpack, as Redis keeps small values, is searched from its begin.)
-- {pb}:l, a SET: the open queues of a language that there are; one that is gone does no harm.
--
-- What the requests change is written when all of them are done. So who waits and is found within one call never gets to
-- Redis, and one command reads or writes what all of them need. Fails: additions are written first; if Redis refuses
-- them, nothing was changed and nobody was told, and the whole call fails.
local COUNT = '#'
local LINE_TTL_MS = '600000' -- since something was put there; beats renew it
local PART = 1000 -- words of a command: what is unpacked must fit on Lua's stack

local line = {} -- what is known of {pb}:t: name → value; false: none; nil: not read yet
local before = {} -- name → what Redis has, where that is to change
local more = 0 -- tickets than Redis has

local function send(command, key, words)
    for from = 1, #words, PART do
        call(command, key, unpack(words, from, math.min(from + PART - 1, #words)))
    end
end

-- Reads what is not known yet.
local function read(names)
    local missing, count = {}, 0
    for i = 1, #names do
        local name = names[i]
        if line[name] == nil then
            count = count + 1
            line[name], missing[count] = false, name
        end
    end
    for from = 0, count - 1, PART do
        local values = call('HMGET', LINE, unpack(missing, from + 1, math.min(from + PART, count)))
        for i = 1, #values do
            local value = values[i]
            if value then
                line[missing[from + i]] = value
            end
        end
    end
end

local function change(name, value)
    if before[name] == nil then
        before[name] = line[name]
    end
    line[name] = value
end

local function write_count(set, remove)
    read({COUNT})
    local count = (line[COUNT] or 0) + more
    if count > 0 then
        set[#set + 1], set[#set + 2] = COUNT, count
    else
        remove[#remove + 1] = COUNT
    end
    line[COUNT], more = count, 0
end

local function write()
    local set, remove, open, closed = {}, {}, {}, {}
    for name, old in pairs(before) do
        local value = line[name]
        if value then
            local n = #set
            set[n + 1], set[n + 2] = name, value
        elseif old then
            remove[#remove + 1] = name
        end
        if #name == OPEN_QUEUE and name ~= OPEN_TO_ALL then
            local names = value and open or closed
            names[#names + 1] = name
        end
    end
    before = {}
    if more ~= 0 then
        write_count(set, remove)
    end
    if #open > 0 then
        send('SADD', LANGUAGES, open)
        call('PEXPIRE', LANGUAGES, LINE_TTL_MS)
    end
    if #set > 0 then
        send('HSET', LINE, set)
        call('PEXPIRE', LINE, LINE_TTL_MS)
    end
    send('HDEL', LINE, remove)
    send('SREM', LANGUAGES, closed)
end

local function time_at(entries, at)
    return (unpack_bytes('>I8', entries, at))
end

-- Behind everybody who has waited as long.
local function enter(queue, entry)
    local entries = line[queue]
    if entries then
        local at, time = #entries + 1, time_at(entry, 1)
        while at > 1 and time_at(entries, at - ENTRY) > time do
            at = at - ENTRY
        end
        entry = sub(entries, 1, at - 1) .. entry .. sub(entries, at)
    end
    change(queue, entry)
end

local function leave(queue, place)
    local entries = line[queue]
    local at = entries and find(entries, place, 9, true)
    while at and at % ENTRY ~= 9 do
        at = find(entries, place, at + 1, true)
    end
    if at then
        change(queue, #entries > ENTRY and sub(entries, 1, at - 9) .. sub(entries, at + ENTRY - 8))
    end
end

-- Whom the line did not have.
local function put(place, ticket, queues, entry)
    for i = 1, #queues do
        enter(queues[i], entry)
    end
    change(place, ticket)
    more = more + 1
end

-- Takes out who waits there.
local function take(place)
    local queues = queues_of(line[place])
    read(queues)
    for i = 1, #queues do
        leave(queues[i], place)
    end
    change(place, false)
    more = more - 1
end
