"""The pages of `logpond web`: what is in the lake, for a browser and for programs.

A page is one module with a `PAGE` (see page.py) and a template of its name, and one name more in
`PAGES` of pages.py. Navigation, `as_of`, the token, the headers, errors in words, dark and light
come by themselves:

    router = APIRouter()
    PAGE = Page("tables", "Tables", "/tables", router)

    @router.get("/tables", response_class=HTMLResponse)
    def tables(view: Viewed) -> Response:
        return view.page(PAGE, "tables.html", shown=figures(view.snapshot))

    @router.get("/api/tables")
    def api(view: Viewed) -> Answer: ...

`view.snapshot` (lake.py) is the lake at the moment that `as_of` names: `table(name)` has a version
and its files, `ask` runs SQL of ours over them, values bound. A LogpondError that is raised becomes
a page, or JSON under /api, that says what to do. Live parts are `changes` (live.py). No script and
no style stands in a template; static/app.js finds elements by their data attributes.
"""
