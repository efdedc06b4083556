-- with: common
-- A held job may run. ARGV: limits, id, actor. Gives its state, or `unknown`; anything but a held job is left as it is.
local id = ARGV[2]
local h = job(id, 'state', 'pool', 'seq')
if not h.state then return 'unknown' end
if h.state ~= 'held' then return h.state end
redis.call('ZREM', 'ci-held', id)
redis.call('ZADD', due(h.pool), h.seq, id)
redis.call('HSET', 'job:' .. id, 'state', 'pending', 'reason', '', 'queuedAt', now)
ring(h.pool, id)
tell(id, 'pending', 0, ARGV[3], 'admitted')
return 'pending'
