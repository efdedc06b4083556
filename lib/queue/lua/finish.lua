-- with: common visible ending losing forgetting starting taking
-- flags: allow-oom
-- The result of an attempt. ARGV: id, token, state, reason, exit code or empty, phases JSON, steps JSON, and to take the next job in the
-- same call: agent, token, pool. Accepted once, and only from the attempt that holds the job; a repeat gives the recorded answer. A
-- cancel outranks it. Gives { the job's state or `lost` }, with the next job, { …, what `take` gives }.
local id, token, agent = ARGV[1], ARGV[2], ARGV[8]
local function answer(state) return { state, agent and take(agent, ARGV[9], ARGV[10]) or nil } end
local h = record(id)
local actor = h.agent
if actor == agent then h.agent = '' end -- an agent that goes on need not leave first
if h.token ~= token then return answer('lost') end
if h.state ~= 'running' then return answer(h.state) end
local state, reason = ARGV[3], ARGV[4]
if h.cancelled == '1' then state, reason = 'cancelled', h.cancelReason end
return answer(conclude(id, h, state, reason, actor, 'exitCode', ARGV[5], 'phases', ARGV[6], 'steps', ARGV[7]))
