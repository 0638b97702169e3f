-- For wrk: requests in groups, each group in one piece (`wrk -s pipelined.lua URL -- 16`).
function init(args)
  local depth = tonumber(args[1])
  local requests = {}
  for i = 1, depth do requests[i] = wrk.format() end
  group = table.concat(requests)
end

function request() return group end
