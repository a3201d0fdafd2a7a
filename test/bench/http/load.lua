-- GET of a random table; with BENCH_UNCHANGED as a client that has its answer already.
dofile(os.getenv("BENCH_HTTP") .. "/common.lua")
local tables = tonumber(os.getenv("BENCH_TABLES"))

local headers = os.getenv("BENCH_UNCHANGED") and { ["If-None-Match"] = "*" } or {}
local good = os.getenv("BENCH_UNCHANGED") and 304 or 200

function init()
	math.randomseed(number + 1)
end

function request()
	return wrk.format("GET", table_path("t" .. math.random(0, tables - 1)), headers)
end

function response(status)
	if status == good then
		done_count = done_count + 1
	else
		other_count = other_count + 1
	end
end
