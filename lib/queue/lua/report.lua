-- with: common knowing
-- flags: allow-oom
-- A job becomes one reporter's, for a while, to tell one forge of. ARGV: id, forge, reporter, ms (0: it gives it back), all forges of the
-- job. Gives { `yours`, a digest of what is to be told }, or { `taken` } by another, { `told` } already, { `gone` }.
local id, forge, me, ms = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local known = digest(id)
if not known then redis.call('ZREM', 'ci-status', id) end
if not known or not redis.call('ZSCORE', 'ci-status', id) then return { 'gone' } end
local field = 'telling:' .. forge
local by, till = (redis.call('HGET', 'job:' .. id, field) or ''):match('^(%S+) (%d+)$')
if by and by ~= me and tonumber(till) > now then return { 'taken' } end
if ms == 0 then
  redis.call('HDEL', 'job:' .. id, field)
  return { 'gone' }
end
if redis.call('HGET', 'job:' .. id, 'told:' .. forge) == known then
  settle(id, known, 5)
  return { 'told' }
end
redis.call('HSET', 'job:' .. id, field, me .. ' ' .. string.format('%.0f', now + ms))
return { 'yours', known }
