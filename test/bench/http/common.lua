-- Shared by the wrk scripts: numbers the threads, counts answers, prints one line for measure.py.
-- Every thread has one connection, so what a thread remembers is what that client knows.
local threads = {}
warehouse = os.getenv("BENCH_WAREHOUSE")
base = os.getenv("BENCH_BASE") or ""

function setup(thread)
	thread:set("number", #threads)
	table.insert(threads, thread)
end

-- Answers by what they mean to the measurement.
done_count, conflict_count, other_count = 0, 0, 0

function table_path(name)
	return base .. "/v1/" .. warehouse .. "/namespaces/bench/tables/" .. name
end

-- The body of an append of snapshot id after parent.
function append_body(parent, sequence, id)
	return string.format('{"requirements":[{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":%d}],'
		.. '"updates":[{"action":"add-snapshot","snapshot":{"snapshot-id":%d,"parent-snapshot-id":%d,'
		.. '"sequence-number":%d,"timestamp-ms":%d,"manifest-list":"file:///warehouse/bench/metadata/'
		.. 'snap-%d-1-5f4ce0f1-3d2b-4e0a-9a55-0d3c1b6d9c7e.avro","summary":{"operation":"append",'
		.. '"added-data-files":"4","added-records":"4000","added-files-size":"123456","total-data-files":"4",'
		.. '"total-records":"4000"},"schema-id":0}},{"action":"set-snapshot-ref","ref-name":"main",'
		.. '"type":"branch","snapshot-id":%d}]}', parent, id, parent, sequence, os.time() * 1000 + 20000, id, id)
end

json_headers = { ["Content-Type"] = "application/json" }

-- With BENCH_KEYED each commit has an Idempotency-Key of its own.
local keyed, key_count = os.getenv("BENCH_KEYED"), 0
function commit_headers()
	if not keyed then
		return json_headers
	end
	key_count = key_count + 1
	local ms = os.time() * 1000
	return { ["Content-Type"] = "application/json", ["Idempotency-Key"] = string.format("%08x-%04x-7%03x-8000-%012x",
		math.floor(ms / 65536), ms % 65536, number, key_count) }
end

function done(summary, latency, requests)
	local counts = { done_count = 0, conflict_count = 0, other_count = 0 }
	for _, thread in ipairs(threads) do
		for name in pairs(counts) do
			counts[name] = counts[name] + (tonumber(thread:get(name)) or 0)
		end
	end
	local e = summary.errors
	io.write(string.format("RESULT done=%d conflicts=%d other=%d socket_errors=%d us=%d p50_us=%d p99_us=%d\n",
		counts.done_count, counts.conflict_count, counts.other_count,
		e.connect + e.read + e.write + e.timeout, summary.duration,
		latency:percentile(50), latency:percentile(99)))
end
