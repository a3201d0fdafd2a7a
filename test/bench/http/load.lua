-- GET of a random table.
dofile(os.getenv("BENCH_HTTP") .. "/common.lua")
local tables = tonumber(os.getenv("BENCH_TABLES"))

function init()
	math.randomseed(number + 1)
end

function request()
	return wrk.format("GET", table_path("t" .. math.random(0, tables - 1)))
end

function response(status)
	if status == 200 then
		done_count = done_count + 1
	else
		other_count = other_count + 1
	end
end
