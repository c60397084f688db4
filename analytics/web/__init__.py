"""The pages of `logpond web`: what is in the lake, for a browser and for programs.

A page is a folder here: `page.py` with a `PAGE`, and its template `page.html`. Navigation, `as_of`,
the token, the headers, errors in words, dark and light come by themselves:

    router = APIRouter()
    PAGE = Page("tables", "Tables", "/tables", router, order=5)

    @router.get("/tables", response_class=HTMLResponse)
    def tables(view: Viewed) -> Response:
        return view.render(PAGE, weights=weights(view.snapshot))

    @router.get("/api/tables")
    def api(view: Viewed) -> Answer: ...

`view.snapshot` (lake/lake.py) is the lake at the moment that `as_of` names: `table(name)` has a
version and its files, `ask` runs our own SQL over them, with values bound. A LogpondError that is
raised becomes a page, or JSON under /api, that says what to do. Live parts are `changes`
(base/live.py). No script and no style stands in a template; static/app.js finds elements by their
data attributes.
"""
