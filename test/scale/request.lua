-- One request again and again: method BENCH_METHOD (GET), path BENCH_PATH, body BENCH_BODY, in which %d is a random number below
-- BENCH_TABLES (with BENCH_UNIQUE: a number never used before); header If-None-Match BENCH_IF_NONE_MATCH; expected status BENCH_STATUS.
dofile(os.getenv("BENCH_HTTP") .. "/common.lua")
local method = os.getenv("BENCH_METHOD") or "GET"
local path = os.getenv("BENCH_PATH")
local body = os.getenv("BENCH_BODY")
local tables = tonumber(os.getenv("BENCH_TABLES"))
local unique = tonumber(os.getenv("BENCH_UNIQUE") or "0")
local expected = tonumber(os.getenv("BENCH_STATUS") or "200")
local headers = { ["Content-Type"] = body and "application/json" or nil, ["If-None-Match"] = os.getenv("BENCH_IF_NONE_MATCH") }

function init()
	math.randomseed(number + 1)
end

local function filled(text)
	local n = math.random(0, tables - 1)
	if unique > 0 then
		unique = unique + 1
		n = unique
	end
	return text and (text:gsub("%%d", string.format("%d", n)))
end

function request()
	return wrk.format(method, filled(path), headers, filled(body))
end

function response(status)
	if status == expected then
		done_count = done_count + 1
	else
		other_count = other_count + 1
	end
end
