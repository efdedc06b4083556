-- with: common knowing
-- flags: allow-oom
-- A forge was told of a job, or never can be. ARGV: id, forge, reporter, digest of what it was told, why it can't be or empty, all forges of
-- the job. Gives `ok`; `again` when the job is another by now, or was no longer this reporter's: what the forge has may be old.
local id, forge, me, digested, note = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local known, field = digest(id), 'telling:' .. forge
if not known then return 'ok' end
local by = (redis.call('HGET', 'job:' .. id, field) or ''):match('^(%S+)')
-- whoever else tells it now must tell it again, for nobody knows which word came last
redis.call('HDEL', 'job:' .. id, field, 'told:' .. forge, 'untold:' .. forge)
if by ~= me or known ~= digested then
  redis.call('ZADD', 'ci-status', now, id)
  return 'again'
end
redis.call('HSET', 'job:' .. id, 'told:' .. forge, known)
if note ~= '' then redis.call('HSET', 'job:' .. id, 'untold:' .. forge, note) end
settle(id, known, 6)
return 'ok'
