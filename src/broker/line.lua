-- line.lua - the line as it is for the requests of one call: what they have read of it, and what they have changed.
--
-- {pb}:t, a HASH: place → ticket; queue → its entries, one behind the other, by time; COUNT → how many tickets there are.
-- (That there are tickets makes it a hash table: a listpack, as Redis keeps small values, is searched from its begin.)
-- {pb}:e, a ZSET: EVERYBODY's entries, in lexicographic order: by time.
--
-- What the requests change is written when all of them are done. So who waits and is found within one call never gets to
-- Redis, and one command reads or writes what all of them need. Fails: additions are written first; if Redis refuses
-- them, nothing was changed and nobody was told, and the whole call fails.
local COUNT = '#'
local LINE_TTL_MS = '600000' -- since something was put there; beats renew it
local PART = 1000 -- words of a command: what is unpacked must fit on Lua's stack

local line = {} -- what is known of {pb}:t: name → value; false: none; nil: not read yet
local before = {} -- name → what Redis has, where that is to change
local everybody_changes = {} -- entry → true: to be added, false: to be removed

local function send(command, key, words)
    for from = 1, #words, PART do
        call(command, key, unpack(words, from, math.min(from + PART - 1, #words)))
    end
end

-- Reads what is not known yet.
local function read(names)
    local missing
    for i = 1, #names do
        if line[names[i]] == nil then
            missing = missing or {}
            line[names[i]] = false
            missing[#missing + 1] = names[i]
        end
    end
    for from = 1, missing and #missing or 0, PART do
        local values = call('HMGET', LINE, unpack(missing, from, math.min(from + PART - 1, #missing)))
        for i = 1, #values do
            line[missing[from + i - 1]] = values[i]
        end
    end
end

local function change(name, value)
    if before[name] == nil then
        before[name] = line[name]
    end
    line[name] = value
end

local function add_to_everybody()
    local words = {}
    for entry, is_new in pairs(everybody_changes) do
        if is_new then
            local n = #words
            words[n + 1], words[n + 2] = '0', entry
        end
    end
    if #words > 0 then
        send('ZADD', EVERYBODY, words)
        call('PEXPIRE', EVERYBODY, LINE_TTL_MS)
    end
end

local function remove_from_everybody()
    local words = {}
    for entry, is_new in pairs(everybody_changes) do
        if not is_new then
            words[#words + 1] = entry
        end
    end
    send('ZREM', EVERYBODY, words)
    everybody_changes = {}
end

local function write()
    local set, remove, more = {}, {}, 0
    for name, old in pairs(before) do
        local n, value = #set, line[name]
        if value and value ~= old then
            set[n + 1], set[n + 2] = name, value
        elseif old and not value then
            remove[#remove + 1] = name
        end
        if #name == PLACE then
            more = more + (value and 1 or 0) - (old and 1 or 0)
        end
    end
    if more ~= 0 then
        read({COUNT})
        local n, count = #set, (line[COUNT] or 0) + more
        if count > 0 then
            set[n + 1], set[n + 2] = COUNT, count
        else
            remove[#remove + 1] = COUNT
        end
        line[COUNT] = count
    end
    add_to_everybody()
    send('HSET', LINE, set)
    if #set > 0 then
        call('PEXPIRE', LINE, LINE_TTL_MS)
    end
    send('HDEL', LINE, remove)
    remove_from_everybody()
    before = {}
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

-- Gives the entry that was there.
local function leave(queue, place)
    local entries = line[queue]
    local at = entries and find(entries, place, 9, true)
    while at and at % ENTRY ~= 9 do
        at = find(entries, place, at + 1, true)
    end
    if not at then
        return nil
    elseif #entries == ENTRY then
        change(queue, false)
        return entries
    end
    change(queue, sub(entries, 1, at - 9) .. sub(entries, at + ENTRY - 8))
    return sub(entries, at - 8, at + ENTRY - 9)
end

local function change_everybody(entry, is_new)
    if everybody_changes[entry] == not is_new then
        everybody_changes[entry] = nil -- it is as it was
    else
        everybody_changes[entry] = is_new
    end
end

local function put(place, time, ticket, stand)
    local entry = time .. place .. stand.tail
    for i = 1, #stand.queues do
        enter(stand.queues[i], entry)
    end
    if stand.everybody then
        change_everybody(entry, true)
    end
    change(place, ticket)
end

-- Takes out who waits there.
local function take(place)
    local stand, entry = stand_of(line[place]), nil
    read(stand.queues)
    for i = 1, #stand.queues do
        entry = leave(stand.queues[i], place)
    end
    if stand.everybody and entry then
        change_everybody(entry, false)
    end
    change(place, false)
end
