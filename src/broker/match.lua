-- match.lua - a seeker finds the best stranger, or waits in the line; a ticket is withdrawn.
--
-- a ticket         seeks. '0' time: it waits since then. '1' time node: somebody of that node was found, and the node
--                  is told: O place attempt time ticket
-- W place attempt  withdraws. ''
--
-- Exact as line.c is, but for one bound: among those who suit, the best of the first ENOUGH is taken. Next to nobody
-- who doesn't suit (strangers met, oneself) stands where a seeker looks, so nobody is hidden by it.
--
-- What the requests of one call change is written when all of them are done, or before anything is read that it
-- concerns. Who waits and is found within one call never gets to Redis. Fails: additions are written first; if Redis
-- refuses them, nothing was changed and nobody was told, and the whole call fails.
local PAGE, ENOUGH = 16, 256

-- --- the line, as it is when what changed is written ---
local waiters = {} -- place → ticket, false: none; nil: not read yet
local queues = {} -- queue → its members in order, as far as they were read
local last_read = {} -- queue → the last member that was read; nil: all were
local places = {} -- of those who ask, by number in ARGV
local added = {} -- place → queues of a ticket that came with this call, and what follows them
local unwritten = {} -- queues that may be read again, and in which something has changed
local changed_tickets = {} -- places whose ticket has changed
local changed_members = {} -- member → true: to be added, false: to be removed

-- In parts: what is unpacked must fit on Lua's stack.
local function send(command, key, words)
    for from = 1, #words, 1000 do
        call(command, key, unpack(words, from, math.min(from + 999, #words)))
    end
end

local function write()
    local set, delete, add, remove = {}, {}, {}, {}
    for place in pairs(changed_tickets) do
        local waiter = waiters[place]
        if waiter then
            set[#set + 1] = place
            set[#set + 1] = waiter
        else
            delete[#delete + 1] = place
        end
    end
    for member, is_new in pairs(changed_members) do
        if is_new then
            add[#add + 1] = '0'
            add[#add + 1] = member
        else
            remove[#remove + 1] = member
        end
    end
    send('HSET', TICKETS, set)
    send('ZADD', LINE, add)
    if #set > 0 then
        call('PEXPIRE', TICKETS, LINE_TTL_MS)
        call('PEXPIRE', LINE, LINE_TTL_MS)
    end
    send('ZREM', LINE, remove)
    send('HDEL', TICKETS, delete)
    unwritten, changed_tickets, changed_members = {}, {}, {}
end

local function read(queue, from)
    if unwritten[queue] then
        write()
    end
    return call('ZRANGE', LINE, from, '(' .. queue .. '\255', 'BYLEX', 'LIMIT', '0', '16')
end

local function members_of(queue)
    local members = read(queue, '[' .. queue)
    queues[queue] = members
    last_read[queue] = members[PAGE]
    return members
end

-- Reads on; false: that was all.
local function read_on(queue, members)
    local page = read(queue, '(' .. last_read[queue])
    for i = 1, #page do
        members[#members + 1] = page[i]
    end
    last_read[queue] = page[PAGE]
    return #page > 0
end

local function waiter_at(place)
    local waiter = waiters[place]
    if waiter == nil then
        waiter = call('HGET', TICKETS, place)
        waiters[place] = waiter
    end
    return waiter
end

local function time_in(member)
    return (unpack_bytes('>I8', member, 17))
end

-- Behind everybody who has waited as long.
local function insert(members, member)
    local at, time = #members + 1, time_in(member)
    while at > 1 and time_in(members[at - 1]) > time do
        at = at - 1
    end
    table.insert(members, at, member)
end

local function enter(queue, member)
    local members = queues[queue]
    if members and not last_read[queue] then
        insert(members, member)
    else
        queues[queue] = nil
        unwritten[queue] = true
    end
    if changed_members[member] == false then
        changed_members[member] = nil -- it is there yet
    else
        changed_members[member] = true
    end
end

local function leave(queue, member)
    local members = queues[queue]
    for i = 1, members and #members or 0 do
        if members[i] == member then
            table.remove(members, i)
            break
        end
    end
    if not members or last_read[queue] then
        unwritten[queue] = true
    end
    if changed_members[member] then
        changed_members[member] = nil -- it never got there
    else
        changed_members[member] = false
    end
end

local function put(place, waiter)
    local its, rest = places_of(waiter, place)
    for i = 1, #its do
        enter(its[i], its[i] .. rest)
    end
    waiters[place], added[place] = waiter, {its, rest}
    changed_tickets[place] = true
end

local function take(place)
    local its, rest
    if added[place] then
        its, rest = unpack(added[place])
    else
        its, rest = places_of(waiters[place], place)
    end
    for i = 1, #its do
        leave(its[i], its[i] .. rest)
    end
    waiters[place], added[place] = false, nil
    changed_tickets[place] = true
end

-- --- the seeker, and whom it has looked at ---
local me, my_person, my_language, my_topics, my_recent, relaxed -- my_recent: where the list of strangers begins
local known -- places that it has looked at, where it may meet them again; else nil
local examined
local best, best_member, best_common -- a ticket, its member of the queue, how many topics are in common

local suspects -- nil: not read yet; false: none
local function suspected(place)
    if suspects == nil then
        local nodes = call('SMEMBERS', SUSPECTS)
        suspects = #nodes > 0 and {}
        for _, node in ipairs(nodes) do
            suspects[node] = true
        end
    end
    return suspects and suspects[sub(place, 1, 8)]
end

-- Whether a number (8 bytes) is in the list that begins with its length there.
local function holds(text, at, number)
    local found, last = find(text, number, at + 1, true), nil
    if not found then
        return false
    end
    last = at + 8 * byte(text, at)
    while found and found < last and (found - at - 1) % 8 ~= 0 do
        found = find(text, number, found + 1, true)
    end
    return found and found < last
end

-- A person whose number is nowhere behind the length of a ticket's topics is not among its recent strangers either.
local function agree(other)
    local person = sub(other, 35 + WAITING, 42 + WAITING)
    if person == my_person or (not relaxed and holds(me, my_recent, person)) then
        return false
    end
    return not find(other, my_person, 76 + WAITING, true) or byte(other, 4 + WAITING) == YES or
        not holds(other, 76 + WAITING + 8 * byte(other, 75 + WAITING), my_person)
end

local function in_common(other)
    local common = 0
    for i = 1, #my_topics do
        if holds(other, 75 + WAITING, my_topics[i]) then
            common = common + 1
        end
    end
    return common
end

local function waits_longer(member, other)
    return time_in(member) < time_in(other)
end

-- Looks at one member of a queue: true = nobody behind it is better. Nobody has more than `most` topics in common who
-- was not looked at before.
local function look(member, most)
    if best and best_common >= most and not waits_longer(member, best_member) then
        return true
    end
    local place = sub(member, 25)
    if known then
        if known[place] then
            return false
        end
        known[place] = true
    end
    local other = waiter_at(place)
    if not other then
        changed_members[member] = false -- its ticket was lost
    elseif byte(other, 1 + WAITING) == VERSION and not suspected(place) then
        examined = examined + 1
        if agree(other) then
            local common = in_common(other)
            if not best or common > best_common or (common == best_common and waits_longer(member, best_member)) then
                best, best_member, best_common = other, member, common
            end
        end
    end
    return false
end

local function scan(queue, most)
    local members, i = queues[queue] or members_of(queue), 1
    while members[i] or (last_read[queue] and read_on(queue, members)) do
        if (best and examined >= ENOUGH) or look(members[i], most) then
            return
        end
        i = i + 1
    end
end

local function scan_scopes(subject, most)
    scan(subject .. NONE, most)
    if my_language == NONE then
        scan(subject .. EVERYBODY, most)
        return
    end
    scan(subject .. my_language, most)
    if relaxed then
        scan(subject .. RELAXED, most)
    end
end

local function search()
    local count = #my_topics
    best, best_common, examined, known = nil, 0, 0, (relaxed or count > 0) and {} or nil
    for i = 1, count do
        local most = count - i + 1
        if best_common > most then
            break
        end
        scan_scopes(my_topics[i], most)
    end
    if not best and (relaxed or count == 0) then
        scan_scopes(OPEN, 0)
    end
    return best
end

local function topics_of(ticket, count)
    local topics, seen = {}, {}
    for at = 76, 68 + 8 * count, 8 do
        local topic = sub(ticket, at, at + 7)
        if not seen[topic] then
            seen[topic] = true
            topics[#topics + 1] = topic
        end
    end
    return topics
end

-- --- requests ---
local no_topics = {}
local new_time

local function seek(ticket, number)
    local place, time = places[number], nil
    local is_relaxed, _, is_new = byte(ticket, 4, 6)
    local count = byte(ticket, 75)
    if is_new == YES then
        new_time = new_time or pack('>I8', now())
        time = new_time
    else
        time = sub(ticket, 7, 14)
    end
    me, relaxed, my_person, my_language = ticket, is_relaxed == YES, sub(ticket, 35, 42), sub(ticket, 67, 74)
    my_topics, my_recent = count > 0 and topics_of(ticket, count) or no_topics, 76 + 8 * count
    if waiters[place] then
        take(place)
    end
    while search() do
        local other, other_place = best, sub(best_member, 25)
        local node = sub(other_place, 1, 8)
        local listening = listens(node)
        take(other_place)
        if listening then
            local pieces = pieces_for(node)
            local n = #pieces
            pieces[n + 1], pieces[n + 2] = 'O', sub(other, 15 + WAITING, 34 + WAITING)
            pieces[n + 3], pieces[n + 4] = time, ticket
            return '1' .. time .. node
        end
    end
    put(place, time .. ticket)
    return '0' .. time
end

local function withdraw(request, number)
    local place = places[number]
    local waiter = waiters[place]
    if waiter and sub(waiter, 31 + WAITING, 34 + WAITING) == sub(request, 18, 21) then
        take(place)
    end
    return ''
end

-- The earlier tickets of all who ask.
local function read_earlier()
    for i = 2, #ARGV do
        local request = ARGV[i]
        places[i] = byte(request) == VERSION and sub(request, 15, 30) or sub(request, 2, 17)
    end
    local earlier = call('HMGET', TICKETS, unpack(places, 2))
    for i = 1, #earlier do
        waiters[places[i + 1]] = earlier[i]
    end
end

places[1] = ''
read_earlier()
return answer_all({[VERSION] = seek, [byte('W')] = withdraw}, write)
