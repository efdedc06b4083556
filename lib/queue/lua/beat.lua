-- with: common clock
-- flags: allow-oom
-- The agent lives. ARGV: id, agent, token. Extends the lease. Gives `ok`, `cancel` (end it), or `lost` (it is not yours).
local id, agent, token = ARGV[1], ARGV[2], ARGV[3]
grace()
local h = job(id, 'state', 'token', 'pool', 'cancelled', 'attempt')
if h.state ~= 'running' or h.token ~= token then return 'lost' end
redis.call('ZADD', due(h.pool), now + L.lease, id)
redis.call('HSET', 'ci-agents', agent, cjson.encode({ job = id, token = token, pool = h.pool, beat = now, attempt = tonumber(h.attempt) }))
return h.cancelled == '1' and 'cancel' or 'ok'
