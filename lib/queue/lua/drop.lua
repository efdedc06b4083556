-- with: common forgetting
-- flags: allow-oom
-- A dead job is forgotten now. ARGV: limits, id. Gives `dropped`, or the state of a job that isn't dead, or `unknown`.
local state = redis.call('HGET', 'job:' .. ARGV[2], 'state')
if state ~= 'dead' then return state or 'unknown' end
forget(ARGV[2])
return 'dropped'
