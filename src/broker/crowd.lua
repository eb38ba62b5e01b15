-- crowd.lua - how many connections an address has, in all processes together.
--
-- C address (8) connections (4)  tells the node's own; gives those of the others (4)
--
-- {pb}:a:ADDRESS, a HASH: node → connections, and when it said so, in seconds. What was not said again for FRESH_S is forgotten. ADDRESS
-- is a keyed hash: no address of a person is known to Redis.
local FRESH_S, CROWD_TTL_MS = 60, '60000'

local function tell(request)
    local address, connections = unpack_bytes('>c8I4', request, 2)
    local key = '{pb}:a:' .. name_of(address)
    local now_s = math.floor(now() / 1000000)
    if connections > 0 then
        call('HSET', key, self, pack('>I4I4', connections, now_s))
        call('PEXPIRE', key, CROWD_TTL_MS)
    else
        call('HDEL', key, self)
    end
    local fields, others = call('HGETALL', key), 0
    for i = 1, #fields, 2 do
        if fields[i] ~= self then
            local theirs, said_s = unpack_bytes('>I4I4', fields[i + 1])
            if now_s - said_s <= FRESH_S then
                others = others + theirs
            else
                call('HDEL', key, fields[i])
            end
        end
    end
    return pack('>I4', others)
end

return answer_all({[byte('C')] = tell})
