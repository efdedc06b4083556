-- with: common visible ending forgetting
-- flags: allow-oom
-- A dead job is forgotten now. ARGV: id. Gives `dropped`, or the state of a job that isn't dead, or `unknown`.
local state = redis.call('HGET', 'job:' .. ARGV[1], 'state')
if state ~= 'dead' then return state or 'unknown' end
forget(ARGV[1])
return 'dropped'
