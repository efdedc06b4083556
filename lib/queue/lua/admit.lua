-- with: common visible
-- A held job may run. ARGV: id, actor. Gives its state, or `unknown`; anything but a held job is left as it is.
local id = ARGV[1]
local h = record(id)
if not h.state then return 'unknown' end
if h.state ~= 'held' then return h.state end
redis.call('ZREM', 'ci-held', id)
redis.call('ZADD', due(h.pool), h.seq, id)
redis.call('HSET', 'job:' .. id, 'state', 'pending', 'reason', '', 'queuedAt', now, 'entry', ring(h.pool, id, h))
tell(id, 'pending', 0, ARGV[2], 'admitted', h.report)
return 'pending'
