-- chat.lua - the register of chats: who sits where, and how chats ended (registry.c says what is meant).
--
-- {pb}:c:CHAT, the bytes of its value counted from 1:
--   C  it goes on, and is kept as its seeker is told: 2 the chat (16)  18 attempt (4) of the seeker
--      22 party 0 (33)  55 party 1 (33)  88 the candidate's ticket, or nothing
--   O  it is over: 2 party 0  35 party 1  68 cause  69 side
--   A  its seeker has given it up, and nobody can commit now
-- A party: 1 place (16)  17 person (8)  25 fence (8)  33 reliable, '0' or '1'. Place and fence 0: not known.
-- A request is a letter, the chat, and from 18 on what is said there. The answer is the chat as it stands then, '' if
-- there is none.
local LEASE_MS, GIVEN_UP_MS, OVER_MS, SUSPECTED_MS = '10800000', '60000', '600000', '10000'
local AGAIN_US = 60e6
local TOKEN_AGE_US = 86400e6 -- a chat that Redis has lost begins again only from a younger token
local UNKNOWN = string.rep('\0', 32) .. '0'

local function key_of(request)
    return '{pb}:c:' .. sub(request, 2, 17)
end

-- A chat that was given up is none.
local function shown(chat)
    return chat and chat ~= 'A' and chat or ''
end

local GOES_ON = byte('C')
local function goes_on(chat)
    return chat and byte(chat) == GOES_ON
end

local function parties(chat)
    return sub(chat, 22, 54), sub(chat, 55, 87)
end

local function place(party)
    return sub(party, 1, 16)
end

local function fence(party)
    return (unpack_bytes('>I8', party, 25))
end

-- `before`: the chat as it was, nil if there was none.
local function put(request, before, zero, one)
    local chat = 'C' .. sub(request, 2, 17) .. (before and sub(before, 18, 21) or '\0\0\0\0') .. zero .. one ..
        (before and sub(before, 88) or '')
    call('SET', key_of(request), chat, 'PX', LEASE_MS)
    return chat
end

-- C  the chat as it is to be: the candidate takes the match, and the seeker is told. '=': it stands so. If the
-- seeker's node doesn't listen, it is as good as given up. Asked twice, it is told twice.
local function commit(chat)
    local key, node = key_of(chat), sub(chat, 22, 29)
    local listening, answer = listens(node), '='
    if not listening or not call('SET', key, chat, 'PX', LEASE_MS, 'NX') then
        local stands = call('GET', key)
        if not goes_on(stands) or sub(stands, 55, 70) ~= sub(chat, 55, 70) then
            return ''
        end
        answer = stands
        chat = sub(chat, 1, 21) .. sub(stands, 22, 87) .. sub(chat, 88)
    end
    if listening then
        local pieces = pieces_for(node)
        pieces[#pieces + 1] = chat
    end
    return answer
end

-- A  18 node, or nothing: the seeker gives up. If nobody has committed, that node is suspected until it is heard again.
local function abort(request)
    local key = key_of(request)
    if not call('SET', key, 'A', 'PX', GIVEN_UP_MS, 'NX') then
        return shown(call('GET', key))
    end
    if #request > 17 then
        call('SADD', SUSPECTS, sub(request, 18))
        call('PEXPIRE', SUSPECTS, SUSPECTED_MS)
    end
    return ''
end

-- L: looks it up. That somebody asks renews its lease.
local function lookup(request)
    local key = key_of(request)
    local chat = call('GET', key)
    if goes_on(chat) then
        call('PEXPIRE', key, LEASE_MS)
    end
    return shown(chat)
end

-- The parties of a chat that Redis may have lost, from a token: it was born before Redis has had its data; or it is so
-- young that its end would be remembered, and what was lost is the last writes before a failover, or what Redis has
-- evicted. Who knows what else that was: it has its data since now, and all nodes tell theirs again, once a minute at
-- most. nil: it can't be one.
local function parties_from_token(side, holder, peer, born)
    local epoch, age = tonumber(call('HGET', NODES, 'epoch') or now()), now() - born
    if age > TOKEN_AGE_US or (born >= epoch and age >= OVER_MS * 1000) then
        return nil
    end
    if born >= epoch and now() - epoch >= AGAIN_US then
        call('HSET', NODES, 'epoch', string.format('%.0f', now()))
    end
    local nowhere, no_fence = sub(UNKNOWN, 1, 16), sub(UNKNOWN, 1, 8)
    holder = nowhere .. sub(holder, 1, 8) .. no_fence .. sub(holder, 9)
    peer = nowhere .. sub(peer, 1, 8) .. no_fence .. sub(peer, 9)
    if side == '0' then
        return holder, peer
    end
    return peer, holder
end

-- R  18 side  19 place (16)  35 person (8) and reliable of the holder of a token  44 those of its peer  53 when the
-- chat was born, in microseconds (8)  61 a fence (8), or 0: the holder has come back at that place; with a fence, only
-- if the side still has it. Done, the answer begins with 'R' and the place that the side had before.
local function rebind(request)
    local side, chat = sub(request, 18, 18), call('GET', key_of(request))
    local born, only_from = unpack_bytes('>I8I8', request, 53)
    local zero, one
    if goes_on(chat) then
        zero, one = parties(chat)
    elseif chat or only_from ~= 0 then
        return shown(chat)
    else
        zero, one = parties_from_token(side, sub(request, 35, 43), sub(request, 44, 52), born)
        if not zero then
            return ''
        end
    end
    local before = side == '0' and zero or one
    if only_from ~= 0 and only_from ~= fence(before) then
        return chat
    end
    local greater = pack('>I8', math.max(fence(before) + 1, now()))
    local after = sub(request, 19, 34) .. sub(before, 17, 24) .. greater .. sub(request, 43, 43)
    if side == '0' then
        zero = after
    else
        one = after
    end
    return 'R' .. place(before) .. put(request, chat, zero, one)
end

-- H  18 party 0  51 party 1  84 '1' if the seeker says so: it goes on, as far as one of them knows. A side's greater
-- fence is the truth. A seeker who gave up would not say so: it had been made, and forgotten before that.
local function hold(request)
    local zero, one = sub(request, 18, 50), sub(request, 51, 83)
    local chat = call('GET', key_of(request))
    if not chat or (chat == 'A' and sub(request, 84, 84) == '1') then
        return put(request, nil, zero, one)
    elseif not goes_on(chat) then
        return shown(chat)
    end
    local known_zero, known_one = parties(chat)
    if fence(known_zero) >= fence(zero) then
        zero = known_zero
    end
    if fence(known_one) >= fence(one) then
        one = known_one
    end
    return put(request, chat, zero, one)
end

-- E  18 place (16)  34 late, '0' or '1'  35 cause, side: who sits there ends it. Late: it should have been said
-- before; Redis may have forgotten the chat since, and who is about to tell it again is to hear that it is over.
local function over(request)
    local key, at = key_of(request), sub(request, 18, 33)
    local chat = call('GET', key)
    local zero, one = UNKNOWN, UNKNOWN
    if goes_on(chat) then
        zero, one = parties(chat)
        if place(zero) ~= at and place(one) ~= at then
            return ''
        end
    elseif chat or sub(request, 34, 34) == '0' then
        return ''
    end
    call('SET', key, 'O' .. zero .. one .. sub(request, 35), 'PX', OVER_MS)
    return ''
end

return answer_all({
    [byte('C')] = commit, [byte('A')] = abort, [byte('L')] = lookup,
    [byte('R')] = rebind, [byte('H')] = hold, [byte('E')] = over,
})
