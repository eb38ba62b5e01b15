-- match.lua - a seeker finds the best stranger, or waits in the line; a ticket is withdrawn.
--
-- a ticket         seeks. '0' time: it waits since then. '1' time node: somebody of that node was found, and the node
--                  is told: O place attempt time ticket
-- W place attempt  withdraws. ''
--
-- Exact as line.c is, but for one bound: among those who suit, the best of the first ENOUGH is taken. Next to nobody
-- who doesn't suit (strangers met, oneself) stands where a seeker looks, so nobody is hidden by it.
--
-- Flow: what all requests will need is read at once; then they are carried out, one after the other, on the line as it
--       is by then (line.lua); then what has changed is written.
local PAGE, ENOUGH = 16, 256

-- --- the seeker, and whom it has looked at ---
local me, my_person, my_recent -- my_recent: where the list of its strangers begins
local stand, my_language, relaxed -- stand: where it will stand in the line
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
    if person == my_person or (not relaxed and holds(me, my_recent, person)) then
        return false
    end
    return not find(other, my_person, 76, true) or byte(other, 4) == YES or
        not holds(other, 76 + 8 * byte(other, 75), my_person)
end

local function in_common(other)
    local common = 0
    for i = 1, stand.topics do
        if holds(other, 75, stand.queues[i]) then
            common = common + 1
        end
    end
    return common
end

local function ticket_at(place)
    if line[place] == nil then
        read({place})
    end
    return line[place]
end

-- Looks at who stands in a queue: true = nobody behind is better; nil = that ticket was lost. Nobody has more than `most`
-- topics in common who was not looked at before.
local function look(place, time, most)
    if best and (examined >= ENOUGH or (best_common >= most and time >= best_time)) then
        return true
    elseif known then
        if known[place] then
            return false
        end
        known[place] = true
    end
    local other = ticket_at(place)
    if not other then
        return nil
    elseif byte(other) == VERSION and not suspected(place) then
        examined = examined + 1
        if agree(other) then
            local common = in_common(other)
            if not best or common > best_common or (common == best_common and time < best_time) then
                best, best_place, best_time, best_common = other, place, time, common
            end
        end
    end
    return false
end

-- Whether both languages do, or nobody minds.
local function suits(entries, at)
    if my_language == NONE then
        return true
    end
    local language = sub(entries, at + 24, at + 31)
    return language == my_language or language == NONE or (relaxed and byte(entries, at + 32) == YES)
end

local function scan(queue, most)
    local entries = line[queue] or ''
    for at = 1, #entries, ENTRY do
        if suits(entries, at) and look(sub(entries, at + 8, at + 23), time_at(entries, at), most) then
            return
        end
    end
end

local first_page -- of EVERYBODY, while it holds
local function scan_everybody()
    if next(everybody_changes) then
        add_to_everybody()
        remove_from_everybody()
        first_page = nil
    end
    local page, from = first_page, '-'
    repeat
        page = page or call('ZRANGE', EVERYBODY, from, '+', 'BYLEX', 'LIMIT', '0', '16')
        if from == '-' then
            first_page = page
        end
        for i = 1, #page do
            local done = look(sub(page[i], 9, 24), time_at(page[i], 1), 0)
            if done then
                return
            elseif done == nil then
                change_everybody(page[i], false)
            end
        end
        from, page = #page == PAGE and '(' .. page[PAGE], nil
    until not from
end

local function search()
    local count, its = stand.topics, stand.queues
    best, best_common, examined, known = nil, 0, 0, (relaxed or count > 0) and {} or nil
    for i = 1, count do
        local most = count - i + 1
        if best_common > most then
            break
        end
        scan(its[i], most)
    end
    if best or not stand.open then
        return best
    end
    for i = count + 1, #its do
        scan(its[i], 0)
    end
    if stand.everybody then
        scan(OPEN_TO_ALL, 0)
    else
        scan_everybody()
    end
    return best
end

-- --- requests ---
local places = {} -- of those who ask
local stands = {} -- of those who seek, by number in ARGV
local new_time

local function become(ticket, number)
    me, my_person, my_recent = ticket, sub(ticket, 35, 42), 76 + 8 * byte(ticket, 75)
    stand = stands[number]
    my_language, relaxed = stand.language, stand.relaxed
end

local function seek(ticket, number)
    local place, time = places[number - 1], nil
    if byte(ticket, 6) == YES then
        new_time = new_time or pack('>I8', now())
        time = new_time
    else
        time = sub(ticket, 7, 14)
    end
    if line[place] then
        take(place)
    end
    become(ticket, number)
    while search() do
        local node = sub(best_place, 1, 8)
        local listening = listens(node)
        take(best_place)
        if listening then
            local pieces = pieces_for(node)
            local n = #pieces
            pieces[n + 1], pieces[n + 2], pieces[n + 3], pieces[n + 4] = 'O', sub(best, 15, 34), time, ticket
            return '1' .. time .. node
        end
    end
    put(place, time, ticket, stand)
    return '0' .. time
end

local function withdraw(request, number)
    local place = places[number - 1]
    local ticket = line[place]
    if ticket and sub(ticket, 31, 34) == sub(request, 18, 21) then
        take(place)
    end
    return ''
end

-- --- reading ahead ---

local function read_asking()
    for i = 2, #ARGV do
        local request = ARGV[i]
        places[i - 1] = byte(request) == VERSION and sub(request, 15, 30) or sub(request, 2, 17)
    end
    places[#ARGV] = COUNT
    read(places)
end

local function read_queues()
    local names, last = {}, nil
    for i = 2, #ARGV do
        if byte(ARGV[i]) == VERSION then
            local its = stand_of(ARGV[i])
            stands[i] = its
            if its ~= last then
                for j = 1, #its.queues do
                    names[#names + 1] = its.queues[j]
                end
                if its.everybody then
                    names[#names + 1] = OPEN_TO_ALL
                end
            end
            last = its
        end
    end
    read(names)
end

-- The first one who suits, in each of a seeker's own queues.
local function read_candidates()
    local found = {}
    for _, its in pairs(stands) do
        my_language, relaxed = its.language, its.relaxed
        for i = 1, #its.queues do
            local entries = line[its.queues[i]] or ''
            for at = 1, #entries, ENTRY do
                if suits(entries, at) then
                    found[#found + 1] = sub(entries, at + 8, at + 23)
                    break
                end
            end
        end
    end
    read(found)
end

read_asking()
read_queues()
read_candidates()
return answer_all({[VERSION] = seek, [byte('W')] = withdraw}, write)
