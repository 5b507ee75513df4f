// The shop's business calls, in the words of its customers. Each returns the parsed answer, or null when it failed.

import { request } from './request.js';
import { targets } from './targets.js';

export const PRODUCTS = 200;
export const SEARCH_WORDS = ['lamp', 'kettle', 'tent', 'red', 'small', 'folding chair'];

export function pick(list) {
  return list[Math.floor(Math.random() * list.length)];
}

export function anyProductId() {
  return 1 + Math.floor(Math.random() * PRODUCTS);
}

export function listProducts(page = 1) {
  return request('GET /products', `${targets.product}/products?page=${page}`);
}

export function searchProducts(words) {
  return request('GET /products/search', `${targets.product}/products/search?q=${encodeURIComponent(words)}`);
}

export function showProduct(id) {
  return request('GET /products/{id}', `${targets.product}/products/${id}`);
}

export function logIn(user) {
  const body = { email: user.email, password: user.password };
  return request('POST /login', `${targets.user}/login`, { body });
}

export function showProfile(token) {
  return request('GET /me', `${targets.user}/me`, { token });
}

export function register(email, password) {
  return request('POST /register', `${targets.user}/register`, { expect: 201, body: { email, password } });
}

export function openCart(token) {
  return request('POST /carts', `${targets.checkout}/carts`, { expect: 201, body: {}, token });
}

export function addItem(token, cartId, productId, quantity = 1) {
  const body = { product_id: productId, quantity };
  return request('POST /carts/{id}/items', `${targets.checkout}/carts/${cartId}/items`, { expect: 201, body, token });
}

export function showCart(token, cartId) {
  return request('GET /carts/{id}', `${targets.checkout}/carts/${cartId}`, { token });
}

export function pay(token, cartId) {
  return request('POST /carts/{id}/pay', `${targets.checkout}/carts/${cartId}/pay`, { expect: 201, body: {}, token });
}

export function payEmptyCart(token, cartId) {
  return request('POST /carts/{id}/pay', `${targets.checkout}/carts/${cartId}/pay`, { expect: 409, body: {}, token });
}

export function showOrder(token, orderId) {
  return request('GET /orders/{id}', `${targets.checkout}/orders/${orderId}`, { token });
}

// events: one { type, product_id } or a list of them.
export function sendEvents(events) {
  return request('POST /events', `${targets.analytics}/events`, { expect: 202, body: events });
}

export function reportTop(type) {
  return request('GET /reports/top', `${targets.analytics}/reports/top?type=${type}&limit=10`);
}
