-- with: common ending
-- flags: allow-oom
-- The result of an attempt. ARGV: limits, id, token, state, reason, exit code or empty, phases JSON, steps JSON. Accepted once, and only
-- from the attempt that holds the job; a repeat gives the recorded answer. A cancel outranks it. Gives the job's state, or `lost`.
local id, token = ARGV[2], ARGV[3]
local h = job(id, 'state', 'token', 'cancelled', 'cancelReason', 'agent', 'startedAt')
if h.token ~= token then return 'lost' end
if h.state ~= 'running' then return h.state end
redis.call('HSET', 'job:' .. id, 'exitCode', ARGV[6], 'phases', ARGV[7], 'steps', ARGV[8])
if h.cancelled == '1' then return conclude(id, 'cancelled', h.cancelReason, h.agent) end
return conclude(id, ARGV[4], ARGV[5], h.agent)
