-- match.lua - a seeker finds the best stranger, or waits in the line; a ticket is withdrawn.
--
-- a ticket         seeks. '0' time: it waits since then. '1' time node: somebody of that node was found, and the node
--                  is told: O place attempt time ticket
-- W place attempt  withdraws. ''
--
-- Exact as line.c is, but for two bounds: among those who suit, the best of the first ENOUGH is taken; and who names no
-- language is content with whoever suits under ENOUGH languages drawn at random. Nobody is hidden by that: next to nobody
-- who doesn't suit (strangers met, oneself) stands where a seeker looks, and the other languages' turn comes, too.
--
-- Flow: what all requests will need is read at once; then they are carried out, one after the other, on the line as it
--       is by then (line.lua); then what has changed is written.
local ENOUGH = 256

-- --- the seeker, and whom it has looked at ---
local me, my_person, my_language, relaxed
local my_queues, topics -- the first so many of its queues are topics
local known -- places that it has looked at, where it may meet them again; else nil
local examined
local best, best_place, best_time, best_common -- a ticket, where, since when, how many topics are in common

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
    local person = sub(other, 35, 42)
    if person == my_person or (not relaxed and holds(me, 76 + 8 * topics, person)) then
        return false
    end
    return not find(other, my_person, 76, true) or byte(other, 4) == YES or
        not holds(other, 76 + 8 * byte(other, 75), my_person)
end

local function in_common(other)
    local common = 0
    for i = 1, topics do
        if holds(other, 75, my_queues[i]) then
            common = common + 1
        end
    end
    return common
end

-- Looks at who stands in a queue: true = nobody behind is better. Nobody has more than `most` topics in common who was
-- not looked at before.
local function look(place, entries, at, most)
    if best and (examined >= ENOUGH or (best_common >= most and time_at(entries, at) >= best_time)) then
        return true
    elseif known then
        if known[place] then
            return false
        end
        known[place] = true
    end
    local other = line[place]
    if other == nil then
        read({place})
        other = line[place]
    end
    if not other or byte(other) ~= VERSION or suspected(place) then
        return false
    end
    examined = examined + 1
    if agree(other) then
        local common, time = topics > 0 and in_common(other) or 0, time_at(entries, at)
        if not best or common > best_common or (common == best_common and time < best_time) then
            best, best_place, best_time, best_common = other, place, time, common
        end
    end
    return false
end

-- Under a topic: whether both languages do, or nobody minds.
local function suits(entries, at)
    if my_language == NONE then
        return true
    end
    local language = sub(entries, at + 24, at + 31)
    return language == my_language or language == NONE or (relaxed and byte(entries, at + 32) == YES)
end

local function scan(queue, most)
    local entries = line[queue]
    if not entries then
        return
    end
    for at = 1, #entries, ENTRY do
        if (most == 0 or suits(entries, at)) and look(sub(entries, at + 8, at + 23), entries, at, most) then
            return
        end
    end
end

local languages -- queue → true: the open queues of languages; nil: not read yet
local function read_languages(names)
    languages = {}
    for i = 1, #names do
        languages[names[i]] = true
    end
    for name in pairs(before) do
        if #name == OPEN_QUEUE and name ~= OPEN_TO_ALL then
            languages[name], names[#names + 1] = true, name
        end
    end
    read(names)
end

-- Where so many are waited under that only a part is looked at, the rest is if nobody in that part suits.
local function scan_languages()
    local part
    if not languages then
        local names = call('SRANDMEMBER', LANGUAGES, ENOUGH)
        part = #names == ENOUGH
        read_languages(names)
    end
    for queue in pairs(languages) do
        if line[queue] then
            scan(queue, 0)
        else
            change(queue, false)
        end
    end
    if part then
        if not best then
            read_languages(call('SMEMBERS', LANGUAGES))
            scan_languages()
        end
        languages = nil
    end
end

local function search()
    best, best_common, examined, known = nil, 0, 0, (relaxed or topics > 0) and {} or nil
    for i = 1, topics do
        local most = topics - i + 1
        if best_common > most then
            break
        end
        scan(my_queues[i], most)
    end
    if best or not (relaxed or topics == 0) then
        return best
    end
    for i = topics + 1, #my_queues do
        scan(my_queues[i], 0)
    end
    if my_language ~= NONE then
        scan(OPEN_TO_ALL, 0)
    else
        scan_languages()
    end
    return best
end

-- --- requests ---
local places = {} -- of those who ask, by number in ARGV
local new_time

local function wait(place, time)
    put(place, me, my_queues, time .. place .. my_language .. (relaxed and '1' or '0'))
    if languages and my_language ~= NONE then
        languages[OPEN .. my_language] = true
    end
end

local function seek(ticket, number)
    local place, time = places[number], nil
    if byte(ticket, 6) == YES then
        new_time = new_time or pack('>I8', now())
        time = new_time
    else
        time = sub(ticket, 7, 14)
    end
    if line[place] then
        take(place)
    end
    me, my_person, my_queues = ticket, sub(ticket, 35, 42), queues_of(ticket)
    my_language, relaxed, topics = my_queues.language, my_queues.relaxed, my_queues.topics
    while search() do
        local node = sub(best_place, 1, 8)
        local listening = listens(node)
        take(best_place)
        if listening then
            local pieces = pieces_for(node)
            local n = #pieces
            pieces[n + 1], pieces[n + 2] = 'O' .. sub(best, 15, 34) .. time, ticket
            return '1' .. time .. node
        end
    end
    wait(place, time)
    return '0' .. time
end

local function withdraw(request, number)
    local place = places[number]
    local ticket = line[place]
    if ticket and sub(ticket, 31, 34) == sub(request, 18, 21) then
        take(place)
    end
    return ''
end

-- --- reading ahead ---

-- Who asks, and the queues where they look; then who is the first there.
local function read_ahead()
    local names, n, last = {COUNT, OPEN_TO_ALL}, 2, nil
    for i = 2, #ARGV do
        local request = ARGV[i]
        local place
        if byte(request) == VERSION then
            local its = queues_of(request)
            if its ~= last then
                for j = 1, #its do
                    n = n + 1
                    names[n] = its[j]
                end
                last = its
            end
            place = sub(request, 15, 30)
        else
            place = sub(request, 2, 17)
        end
        n = n + 1
        places[i], names[n] = place, place
    end
    read(names)
    local first, count = {}, 0
    for i = 2, n do
        local name = names[i]
        local entries = line[name]
        if entries and #name ~= PLACE then
            count = count + 1
            first[count] = sub(entries, 9, 24)
        end
    end
    read(first)
end

read_ahead()
return answer_all({[VERSION] = seek, [byte('W')] = withdraw}, write)
