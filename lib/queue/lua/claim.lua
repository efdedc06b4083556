-- with: common visible ending losing forgetting starting taking
-- An agent takes the lowest waiting job. ARGV: agent, token, pool. Gives what `take` gives. An agent runs one job at a time: one that asks
-- with a new token runs its last one no more, which is released.
return take(ARGV[1], ARGV[2], ARGV[3])
