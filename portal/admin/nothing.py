"""The admin's pages for what does not work out: nothing there, not allowed, not understood, locked out, broken.

They stand in the frame of the admin, so that whoever is logged in finds on. What broke, or came in before anybody was known,
has plain pages: the frame may be what is broken.
"""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "Your roles do not allow this. Whoever runs this portal can change them."
    return _page(request, HTTPStatus.FORBIDDEN, "Not allowed", text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "There is nothing at this address. It may have been deleted, or the address may have been cut off."
    return _page(request, HTTPStatus.NOT_FOUND, "Nothing here", text)


def server_error(request: HttpRequest) -> HttpResponse:
    return defaults.server_error(request)


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    text = "The form is too old: it was open for too long, or somebody logged in or out in this browser meanwhile."
    return _page(request, HTTPStatus.FORBIDDEN, "Load the page again", text)


def locked_out(request: HttpRequest, original: HttpResponse | None, credentials: object) -> HttpResponse:
    """django-axes asks for it after too many wrong passwords."""
    text = "Too many wrong passwords for this name from your address. Wait 15 minutes, then try again."
    return _page(request, HTTPStatus.TOO_MANY_REQUESTS, "Locked for a while", text)


def _page(request: HttpRequest, status: HTTPStatus, title: str, text: str) -> HttpResponse:
    frame = admin.site.each_context(request)
    layout = "admin/base.html" if frame["has_permission"] else "unfold/layouts/unauthenticated.html"
    context = {**frame, "layout": layout, "title": title, "text": text, "status": int(status)}
    return render(request, "portal/error.html", context, status=int(status))
