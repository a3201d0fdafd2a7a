-- How the gateway hands over the body of a request.

CREATE OR REPLACE FUNCTION icecat._rest_body(p_text text)
RETURNS json
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sql_ice_rest_body';
COMMENT ON FUNCTION icecat._rest_body(text) IS
'The body of a REST request as json, without looking at it: the function that gets it parses it once and says in which line, at which byte and in which field something is wrong. A cast to json would parse it twice and say less.
p_text: the body, which may be no JSON at all. Meant as an argument of the rest_ functions; elsewhere cast to json.
REST: every operation with a body.';
