-- with: common visible ending losing
-- flags: allow-oom
-- An agent is gone, or gives its job back. ARGV: agent, token (empty: whatever it holds), kind (`lost`, `network`: costs a
-- try; `drained`: free), reason, actor. The job goes back to its old place. Gives its new state, or `none`; a repeat changes nothing.
local agent, token = ARGV[1], ARGV[2]
local held = redis.call('HGET', 'ci-agents', agent)
held = held and cjson.decode(held)
if not held or (token ~= '' and held.token ~= token) then return 'none' end
local h = held.job and record(held.job) or {}
if h.state ~= 'running' or h.token ~= held.token then
  leave(agent, held.pool)
  return 'none'
end
return lose(held.job, h, ARGV[4], ARGV[3] == 'drained', ARGV[5])
