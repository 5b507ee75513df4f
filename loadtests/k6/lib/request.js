// Every request goes through here, so that each has a fixed name (ids in URLs would make a series each) and a check.

import { check } from 'k6';
import http from 'k6/http';

// name: "GET /products/{id}", the same words the shop's own counters use. Returns the parsed body, or null when
// the answer is not the expected one: the caller then gives this iteration up instead of throwing.
export function request(name, url, { expect = 200, body = null, token = null } = {}) {
  const headers = {};
  if (body !== null) {
    headers['Content-Type'] = 'application/json';
  }
  if (token !== null) {
    headers.Authorization = `Bearer ${token}`;
  }
  const method = name.split(' ')[0];
  const response = http.request(method, url, body === null ? null : JSON.stringify(body), {
    headers,
    tags: { name },
    // A refusal that the scenario provokes on purpose is a success: it must not count in http_req_failed.
    responseCallback: http.expectedStatuses(expect),
  });
  const answered = check(response, { [`${name} answers ${expect}`]: (r) => r.status === expect });
  return answered ? response.json() : null;
}
