-- beat.lua - a node says that it lives, and hears how the cluster stands.
--
-- B people (8), '0' or '1'   '1': its links are new. What it has in the line may be out of date, as the master before this one may
--               have heard more; it leaves the line, and the node tells it again. The answer: since when this Redis has
--               had its data, in microseconds; how many wait; how many people there are; 1 if this node was forgotten,
--               suspected or taken for silent, and Redis may have forgotten what it was told; and the nodes that are
--               silent: 8 bytes each
-- L             it leaves. ''
--
-- {pb}:n, a HASH: NODE → 'h', heard, 'w', it has tickets and was not heard yet, or 's', silent; since when, in
-- milliseconds; its people. epoch → since when this Redis has had its data. last → when any node was heard last, and
-- since when without a pause.
--
-- A node is silent when it was not heard for SILENT_MS in which others were. In a pause nobody was: Redis stood
-- still, or everybody was cut off; then the time begins anew. The tickets of a silent node leave the line at once; it
-- is told when it is heard again.
local SILENT_MS, PAUSE_MS, FORGOTTEN_MS, NODES_TTL_MS = 3000, 2000, 60000, '600000'
local HEARD = byte('h')

local function remove_tickets_of(nodes)
    local theirs = {}
    for _, name in ipairs(call('HKEYS', LINE)) do
        if #name == PLACE and nodes[sub(name, 1, 8)] then
            theirs[#theirs + 1] = name
        end
    end
    read(theirs)
    for _, place in ipairs(theirs) do
        take(place)
    end
    write()
end

local function read_nodes()
    local fields, nodes = call('HGETALL', NODES), {}
    for i = 1, #fields, 2 do
        nodes[fields[i]] = fields[i + 1]
    end
    return nodes
end

local function node_of(name)
    return pack('>I4I4', tonumber(sub(name, 1, 8), 16), tonumber(sub(name, 9), 16))
end

-- Who seeks just after Redis was emptied, and dies before its first beat, is written down by the beat of another: else
-- nobody would notice its silence, and its tickets would stay.
local function write_down_seekers(nodes, now_ms)
    for _, place in ipairs(call('HKEYS', LINE)) do
        local name = #place == PLACE and name_of(sub(place, 1, 8))
        if name and not nodes[name] then
            nodes[name] = string.format('w %.0f', now_ms)
            call('HSET', NODES, name, nodes[name])
        end
    end
end

-- Counts the people of the others, and finds out who is silent. A time that has not come yet is another clock's.
local function look_around(nodes, now_ms, steady_ms)
    local people, silent, falling = 0, {}, {}
    for name, node in pairs(nodes) do
        local state, since_ms, there = node:match('^(%l) (%d+) ?(%d*)')
        since_ms = tonumber(since_ms)
        if state == 'h' or state == 'w' then
            if since_ms > now_ms or since_ms < steady_ms then
                since_ms = steady_ms
            end
            if now_ms - since_ms <= SILENT_MS then
                people = people + (tonumber(there) or 0)
            else
                falling[node_of(name)] = true
                silent[#silent + 1] = node_of(name)
                call('HSET', NODES, name, string.format('s %.0f', now_ms))
            end
        elseif state == 's' and now_ms - since_ms <= FORGOTTEN_MS then
            silent[#silent + 1] = node_of(name)
        else
            call('HDEL', NODES, name)
        end
    end
    if next(falling) then
        remove_tickets_of(falling)
    end
    return people, table.concat(silent)
end

local function beat(request)
    local now_ms = math.floor(now() / 1000)
    local here = unpack_bytes('>I8', request, 2)
    local nodes = read_nodes()
    local epoch = tonumber(nodes.epoch)
    if not epoch then
        epoch = now()
        call('HSET', NODES, 'epoch', string.format('%.0f', epoch))
    end
    local last_ms, steady_ms = (nodes.last or '0 0'):match('^(%d+) (%d+)$')
    last_ms, steady_ms = tonumber(last_ms), tonumber(steady_ms)
    if now_ms < last_ms or now_ms - last_ms > PAUSE_MS then
        steady_ms = now_ms
    end

    local name = name_of(self)
    local before = nodes[name]
    local missed = call('SREM', SUSPECTS, self) == 1 or not before or byte(before) ~= HEARD
    if now() - epoch <= SILENT_MS * 1000 then
        nodes[name] = ''
        write_down_seekers(nodes, now_ms)
    end
    nodes.epoch, nodes.last, nodes[name] = nil, nil, nil
    call('HSET', NODES, name, string.format('h %.0f %.0f', now_ms, here))
    call('HSET', NODES, 'last', string.format('%.0f %.0f', now_ms, steady_ms))
    call('PEXPIRE', NODES, NODES_TTL_MS)
    call('PEXPIRE', LINE, LINE_TTL_MS)
    call('PEXPIRE', LANGUAGES, LINE_TTL_MS)
    if byte(request, 10) == YES then
        remove_tickets_of({[self] = true})
    end
    local people, silent = look_around(nodes, now_ms, steady_ms)
    return pack('>I8I8I8B', epoch, call('HGET', LINE, COUNT) or 0, here + people, missed and 1 or 0) .. silent
end

-- The last one to leave clears up.
local function leave()
    remove_tickets_of({[self] = true})
    call('SREM', SUSPECTS, self)
    local name = name_of(self)
    for other, node in pairs(read_nodes()) do
        if other ~= name and byte(node) == HEARD then
            call('HSET', NODES, name, 's ' .. string.format('%.0f', math.floor(now() / 1000)))
            return ''
        end
    end
    call('DEL', NODES, SUSPECTS, LINE, LANGUAGES)
    return ''
end

return answer_all({[byte('B')] = beat, [byte('L')] = leave})
