-- with: common visible ending losing forgetting starting taking
-- flags: allow-oom
-- The result of an attempt. ARGV: id, token, state, reason, exit code or empty, phases JSON, steps JSON, and to take the next job in the
-- same call: agent, token, pool. Accepted once, and only from the attempt that holds the job; a repeat gives the recorded answer. A
-- cancel outranks it. Gives { the job's state or `lost` }, with the next job, { …, what `take` gives }.
local id, token, agent, next = ARGV[1], ARGV[2], ARGV[8], ARGV[9]
local function answer(state) return { state, agent and take(agent, next, ARGV[10]) or nil } end
-- Not accepted. A repeat gets what the first call got; one that comes late, when the agent has gone on or is gone, must take nothing.
local function refuse(state)
  local mine = agent and redis.call('HGET', 'ci-agents', agent)
  if agent and not (mine and cjson.decode(mine).token == next) then return { state, { 'gone' } } end
  return answer(state)
end
local h = record(id)
local actor = h.agent
if actor == agent then h.agent = '' end -- an agent that goes on need not leave first
if h.token ~= token then return refuse('lost') end
if h.state ~= 'running' then return refuse(h.state) end
local state, reason = ARGV[3], ARGV[4]
if h.cancelled == '1' then state, reason = 'cancelled', h.cancelReason end
return answer(conclude(id, h, state, reason, actor, 'exitCode', ARGV[5], 'phases', ARGV[6], 'steps', ARGV[7]))
