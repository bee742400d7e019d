"""The page to play with, in a real browser, against NumPy and the saved numbers."""

import base64
import html
import itertools
import re
import zlib

import numpy as np
import pytest

import attacks
from beyond.networks import bounds, certified
from beyond.threats.few_pixels import fewest_pixels
from common import runs
from report import page

playwright = pytest.importorskip("playwright", reason="pip install -r requirements-dev.txt")
pytestmark = pytest.mark.skipif(not page.browser(), reason="no Chromium: the page is not tested")

EPSILONS = (0, 0.01, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
COUNTS = (0, 1, 2, 5, 20)
WRITTEN = runs.RESULTS / page.FILE
SIZE = dict(width=1280, height=900)
LINEAR = *runs.POST_RUNS, *page.rules.EXACT


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    """The page without the networks, which take a second for every image and ε."""
    folder = tmp_path_factory.mktemp("linear")
    for name in LINEAR:
        (folder / name).symlink_to(runs.RESULTS / name)
    return page.write(folder)


@pytest.fixture(scope="module")
def chromium():
    with page.chromium() as started:
        yield started


def watched(chromium, path):
    """The page, and what it says on the console and asks for."""
    opened = chromium.new_page(viewport=SIZE, offline=True)
    opened.said, opened.asked = [], []
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.goto(path.resolve().as_uri())
    opened.wait_for_selector("body[data-state=ready]")
    return opened


@pytest.fixture(scope="module")
def view(chromium):
    return watched(chromium, WRITTEN)


@pytest.fixture
def resized(view):
    """The same, for tests that change its size or its colours."""
    yield view
    view.set_viewport_size(SIZE)
    view.emulate_media(color_scheme="light")


@pytest.fixture(scope="module")
def plain(linear, chromium):
    return watched(chromium, linear)


@pytest.fixture(scope="module")
def models():
    """Weights and bias of every model, in float64, as the page has them."""
    read = {}
    for name in (*runs.POST_RUNS, *page.rules.EXACT):
        run = runs.read(runs.RESULTS / name)
        read[name] = run.arrays["weights"].astype(float), float(run.arrays["bias"]), run.metrics
    return read


@pytest.fixture(scope="module")
def test_images(data):
    return data.x_test.reshape(-1, 784).astype(float), data.y_test.astype(float)


def test_the_committed_page_is_that_of_the_committed_runs():
    """But for how zlib packs the data."""
    parts = [it.partition('id="data">') for it in (WRITTEN.read_text(), page.page(runs.RESULTS))]
    packed, rest = zip(*(after.split("</script>", 1) for *_, after in parts))
    assert parts[0][0] == parts[1][0] and rest[0] == rest[1]
    committed, data = (zlib.decompress(base64.b64decode(each)) for each in packed)
    assert committed == data


def show(view, address):
    """Open an address on the page; returns what its table says of each linear model.

    This is a dictionary, name -> (now, falls, count).
    """
    view.evaluate(
        "hash => { location.hash = hash; dispatchEvent(new Event('hashchange')) }", address
    )
    rows = view.evaluate(
        "[...document.querySelectorAll('#models tr')].map(row => [row.querySelector('input').value,"
        "row.cells[1].innerText, row.cells[2].innerText, row.querySelector('.number').textContent])"
    )
    return {name: (now, falls, int(count)) for name, now, falls, count in rows if count}


@pytest.mark.parametrize("clip", (0, 1))
def test_accuracy_equals_the_saved_one_to_the_image(plain, models, test_images, clip):
    for epsilon in EPSILONS:
        shown = show(plain, f"attack=all&eps={epsilon}&clip={clip}")
        assert set(shown) == set(models)
        for name, (_, _, metrics) in models.items():
            saved = metrics["robust_accuracy"]
            column = saved["clipped" if clip else "unclipped"]
            at = int(np.argmin(np.abs(np.array(saved["epsilon"]) - epsilon)))
            assert shown[name][2] == round(column[at] * len(test_images[1])), (name, epsilon)


def test_accuracy_under_few_pixels_equals_numpy(plain, models, test_images):
    needed = {name: fewest_pixels(*model[:2], *test_images) for name, model in models.items()}
    for count in COUNTS:
        shown = show(plain, f"attack=pixels&k={count}&image=11")
        for name in models:
            assert shown[name][2] == np.sum(needed[name] > count), (name, count)
            assert shown[name][1] == str(needed[name][11])


@pytest.mark.parametrize("clip", (0, 1))
def test_the_radius_is_where_the_decision_changes(plain, models, test_images, clip):
    x, y = test_images
    for image in (7, 2000):
        shown = show(plain, f"image={image}&attack=all&eps=0.1&clip={clip}")
        for name, (weights, bias, _) in models.items():
            radius = float(shown[name][1])
            here = weights, bias, x[image : image + 1], y[image : image + 1]
            if not clip:
                assert abs(attacks.signed_radius(*here)[0] - radius) <= 0.5001e-4
            for epsilon, right in ((radius - 1e-4, True), (radius + 1e-4, False)):
                attacked = attacks.attack_linear(weights, *here[2:], epsilon, bool(clip))[0]
                assert (y[image] * (attacked @ weights + bias) > 0) == right
                if epsilon <= 0.5:
                    address = f"image={image}&attack=all&eps={epsilon}&clip={clip}"
                    assert ("right" in show(plain, address)[name][0]) == right


def settled(view):
    """The verdict, once the networks have followed."""
    view.wait_for_selector("#models:not([aria-busy=true])")
    return view.inner_text("#verdict")


PIXELS = "[...document.getElementById('clean').getContext('2d').getImageData(0, 0, 28, 28).data]"


def test_numpy_decides_about_a_drawing_as_the_page_does(view, models, eager):
    show(view, "image=7&model=regular&draw=1")
    box = view.locator("#paper").bounding_box()
    view.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
    view.mouse.down()
    view.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.8 * box["height"], steps=8)
    view.mouse.up()
    pixels = view.evaluate(PIXELS)
    ink = 255 - np.array(pixels).reshape(784, 4)[:, 0]
    assert ink.max() > 200
    rows, columns = np.nonzero(ink.reshape(28, 28))
    assert np.ptp(rows) + 1 == 20 and np.ptp(columns) < 20
    centre = (ink.reshape(28, 28).sum(1) @ (np.arange(28) + 0.5)) / ink.sum()
    assert abs(centre - 14) <= 0.51
    x = (ink / 255).astype(np.float32).astype(float)
    view.locator("input[name=digit][value='1']").check()
    for epsilon in (0, 0.1, 0.3):
        view.fill("#number", str(epsilon))
        for name, (weights, bias, _) in models.items():
            margin = x @ weights + bias - epsilon * np.abs(weights).sum()
            now = view.locator(f"tr:has(input[value='{name}']) td").nth(1).inner_text()
            assert ("right" in now) == (margin > 0), (name, epsilon)
    view.check("#clip")
    saved, words = runs.read(runs.RESULTS / "certified"), set()
    networks = {name: bounds.Network(certified.load(saved, name)) for name in page.NETWORKS}
    for epsilon, (name, network) in itertools.product((0, 0.1, 0.5), networks.items()):
        view.fill("#number", str(epsilon))
        view.check(f"input[value='{name}']")
        here = x.reshape(1, 28, 28, 1).astype(np.float32), np.ones(1), epsilon
        text, proved = settled(view), bounds.interval(network, *here)[0]
        found = float(re.search(r"Found: yŷ = ([−\d.]+\d)", text)[1].replace("−", "-"))
        state = view.inner_text("tr.chosen td:nth-child(2)")
        assert ("proved" in state) == (proved > 0) and ("found" in state) == (found <= 0)
        words.add(state)
        bound = f"below {np.floor(100 * proved) / 100:.2f}" if proved > 0 else "Proved: nothing"
        assert bound in text and found >= proved - 0.006
    assert words == {"✓ proved", "? open", "✗ found"}
    view.wait_for_url("**ink=**")
    shared = view.evaluate("location.hash")
    show(view, "image=3")
    show(view, shared[1:])
    assert view.evaluate(PIXELS) == pixels
    view.click("#clear")


NETWORK = """([name, images, epsilons]) => {
  const { layers } = data.models.find((model) => model.name === name);
  return images.map((i) => {
    const x = values(image(i)), y = data.labels[i], job = pgd(layers, x, y, 0.3, true);
    const end = (step) => (step.done ? step.value : end(job.next())), found = end(job.next());
    return [forward(layers, x).at(-1)[0], found.margin, [...found.image], [false, true].map(
      (clip) => epsilons.map((epsilon) => intervalBound(layers, x, y, epsilon, clip)))];
  });
}"""


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("name", page.NETWORKS)
def test_a_network_and_its_bound_are_python_s_and_what_is_found_is_an_attack(view, data, name):
    model = certified.load(runs.read(runs.RESULTS / "certified"), name)
    network, images, epsilons = bounds.Network(model), [0, 7, 2000], (0, 0.01, 0.3, 0.42, 0.5)
    x, y = data.x_test[images], data.y_test[images]
    read = view.evaluate(NETWORK, [name, images, epsilons])
    assert np.abs(certified.logits_of(model, x) - [each[0] for each in read]).max() < 1e-4
    found = np.reshape([each[2] for each in read], x.shape).astype(np.float32)
    assert np.abs(found - x).max() <= 0.3 + 1e-7 and found.min() >= 0 and found.max() <= 1
    margins = y * certified.logits_of(model, found)
    assert np.abs(margins - [each[1] for each in read]).max() < 1e-4
    assert (margins < 0).all() == (name == "convolutional-regular")
    for number, epsilon in enumerate(epsilons):
        for clip in (False, True):
            proved = bounds.interval(network, x, y, epsilon, clip)
            assert np.abs(proved - [each[3][clip][number] for each in read]).max() < 1e-4
        assert epsilon < 0.3 or (proved <= margins).all()


def test_a_click_a_tap_and_space_set_a_dot_and_undo_takes_it_back(linear, chromium):
    touch = chromium.new_context(has_touch=True, offline=True).new_page()
    touch.goto(linear.resolve().as_uri() + "#draw=1")
    for act in (touch.click, touch.tap, lambda at: (touch.focus(at), touch.keyboard.press(" "))):
        touch.wait_for_selector("#drawn:has-text('empty')")
        act("#paper")
        touch.wait_for_selector("#clean-text:has-text('drawing')")
        ink = np.array(touch.evaluate(PIXELS)).reshape(784, 4)[:, 0] < 128
        assert 4 < ink.sum() < 40  # a dot, not a disc that fills the box
        touch.click("#undo")
    for key in (" ", "ArrowDown", "ArrowDown", "ArrowDown"):  # and lowers the pen
        touch.press("#paper", key)
    assert np.sum(np.array(touch.evaluate(PIXELS)).reshape(784, 4)[:, 0] < 128) > ink.sum()


CUT = """[...document.querySelectorAll('td, th, button, label, select, p, canvas')].filter((node) =>
  node.offsetParent && !node.classList.contains('hidden') && node.getBoundingClientRect().right >
  node.closest('body, .card').getBoundingClientRect().right).map((node) => node.outerHTML)"""


SIZES = (390, 844), (1280, 720), (1366, 768)


def test_the_tour_says_what_is_seen_and_all_of_it_is_in_view(resized):
    view, seen = resized, ["slider", "number", "clean"]
    show(view, view.locator("#tour li").first.get_attribute("data-state") + "&tour=1")
    for step, word in enumerate(["wrong", "right", "right|wrong", "wrong", "right", ""]):
        view.click("#next") if step else None
        assert re.search(word, settled(view)), step
        assert view.locator("#tour li:visible").count() == 1
        if step == 2:
            held = "safe" in view.inner_text("#tour li:visible")
            assert ("right" in view.inner_text("#verdict")) == held
        names = [*seen, "attacked", "verdict", "tour", *(["paper"] if step == 5 else [])]
        for width, height in SIZES:
            view.set_viewport_size(dict(width=width, height=height))
            for each in names:
                box = view.locator(f"#{each}").bounding_box()
                assert box["y"] >= 0 and box["y"] + box["height"] <= height, (step, each, width)
            assert view.evaluate("scrollY") == 0 and not view.evaluate(CUT), (step, width)


def test_a_step_of_the_tour_is_grey_once_something_else_is_shown_also_in_a_link(view):
    show(view, view.locator("#tour li").first.get_attribute("data-state") + "&tour=1")
    assert not view.is_visible("#again") and not view.locator("li.stale").count()
    view.fill("#number", "0,25")
    assert view.is_visible("#again") and view.locator("li.stale:visible").count()
    view.wait_for_url("**eps=0.25**")
    address = view.evaluate("location.hash")[1:]
    view.click("#again")
    assert view.input_value("#number") == "0.1" and not view.is_visible("#again")
    show(view, address)
    assert view.is_visible("#again")


def test_the_bars_of_the_loss_are_the_formula(plain, models, test_images):
    for name, clip in (("regular", 0), ("robust-0.2", 0), ("regular", 1)):
        weights, bias, _ = models[name]
        show(plain, f"image=7&model={name}&attack=all&eps=0.1&clip={clip}")
        here = test_images[0][7:8], test_images[1][7:8]
        worst = attacks.attack_linear(weights, *here, 0.1, bool(clip))
        margin, least = (here[1] @ (x @ weights + bias) for x in (here[0], worst))
        expected = dict(margin=margin, reach=margin - least, hinge=max(0, 1 - least))
        for each, value in expected.items():
            assert plain.inner_text(f"#loss-{each}") == f"{value:.2f}".replace("-", "−")
        width = plain.evaluate("document.getElementById('loss-reach-bar').style.width")
        scale = np.abs(test_images[0] @ weights + bias).max()
        assert abs(float(width[:-1]) - 50 * (margin - least) / scale) < 0.01


def test_small_things(view):
    show(view, "image=7&model=regular&eps=0.1&attack=all")
    view.fill("#number", "8/255")
    assert abs(view.evaluate("state.eps") - 8 / 255) < 1e-12
    view.fill("#image", "99999")
    view.press("#image", "Enter")
    assert view.input_value("#image") == "2114" and "to 2114" in view.inner_text("#clean-text")
    box = view.locator("#chart").bounding_box()
    view.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 20)
    view.mouse.down()
    view.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] + 30, steps=4)
    view.mouse.up()
    assert view.input_value("#number") == "0.25" and not view.evaluate("String(getSelection())")
    with view.expect_download() as download:
        view.click("#save")
    assert download.value.suggested_filename == "2114-regular-0.25.png"
    assert download.value.path().read_bytes()[16:24] == 2 * (280).to_bytes(4, "big")


def test_the_menu_opens_the_page_of_another_pair_or_says_how_it_is_made(linear, chromium):
    view = page.opened(chromium, linear)
    view.select_option("#pairs", "3 8")
    view.wait_for_selector("#pairs-text:has-text('reproduce.py --all --digits 3 8')")
    other = linear.parent.parent / "results-3-8" / page.FILE
    other.parent.mkdir()
    other.write_text(linear.read_text().replace('data-pair="0 1"', 'data-pair="3 8"'))
    view.select_option("#pairs", "2 7")
    view.select_option("#pairs", "3 8")
    view.wait_for_url(other.resolve().as_uri() + "**")


def test_without_the_networks_the_page_leaves_them_out(plain):
    assert plain.locator("#models tr").count() == len(LINEAR)
    assert plain.locator("#tour li").count() == 5
    assert "etwork" not in plain.inner_text("#all") and plain.is_visible("#verdict b")


def test_the_address_holds_the_state(view):
    show(view, "image=7&model=robust-0.2&eps=0.15&clip=1&order=mistakes&tour=2")
    assert view.input_value("#image") == "7" and view.input_value("#number") == "0.15"
    assert view.is_checked("#clip") and view.is_checked("input[value='robust-0.2']")
    view.fill("#number", "0.25")
    view.wait_for_url("**eps=0.25**")
    for part in ("image=7", "model=robust-0.2", "clip=1", "order=mistakes", "tour=2"):
        assert part in view.evaluate("location.hash")
    before = view.evaluate("location.hash")
    show(view, "image=-1&model=none&eps=9&attack=x&k=1.5&tour=99&clip=1&order=mistakes")
    view.wait_for_timeout(300)
    assert view.evaluate("location.hash") == before  # what makes no sense changes nothing


def test_no_serious_fault_of_accessibility_and_nothing_is_cut(resized):
    from axe_playwright_python.sync_playwright import Axe

    view = resized
    show(view, "image=7&model=robust-0.2&attack=all&eps=0.25&tour=2")  # a step that is grey
    assert view.locator("li.stale:visible").count()
    for width, scheme in ((320, "light"), (1280, "dark")):
        view.set_viewport_size(dict(width=width, height=800))
        view.emulate_media(color_scheme=scheme)
        found = Axe().run(view).response["violations"]
        assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")]
        assert view.evaluate("document.documentElement.scrollWidth") == width
    show(view, "model=convolutional-certified&eps=0.42&clip=1")
    settled(view)
    changes = [16 * int(it) for it in re.findall(r"@media \(max-width: (\d+)", WRITTEN.read_text())]
    for width in (320, *changes, *(each + 1 for each in changes)):
        view.set_viewport_size(dict(width=width, height=800))
        assert not view.evaluate(CUT), width


def test_a_damaged_file_says_so(linear, chromium, tmp_path):
    text = linear.read_text()
    start = text.index('id="data">') + len('id="data">')
    packed = text[start : text.index("</script>", start)]
    raw = bytearray(base64.b64decode(packed))
    raw[len(raw) // 2] ^= 1
    for name, block in (("flipped", base64.b64encode(raw).decode()), ("noise", "?" + packed[1:])):
        copy = tmp_path / f"{name}.html"
        copy.write_text(text[:start] + block + text[start + len(packed) :])
        view = page.opened(chromium, copy)
        assert view.is_visible("#fault") and not view.is_visible("#page"), name
        assert "damaged" in view.inner_text("#fault")


def test_a_sandboxed_frame_announces_its_status(linear, chromium):
    """It has no address that the page could change."""
    view = chromium.new_page(offline=True)
    page_in_it = html.escape(linear.read_text())
    view.set_content(f'<iframe sandbox="allow-scripts" srcdoc="{page_in_it}"></iframe>')
    status = view.frame_locator("iframe").locator("#status")
    status.get_by_text("% of the test images are right").wait_for(state="attached")


def test_a_browser_that_is_too_old_is_named_and_not_the_data(linear, chromium):
    view = chromium.new_page(offline=True)
    view.add_init_script("delete window.DecompressionStream")
    view.goto(linear.resolve().as_uri())
    view.wait_for_selector("#fault:visible")
    fault = view.inner_text("#fault")
    assert "needs a newer browser" in fault and "damaged" not in fault


def test_no_request_and_no_message(view, plain, linear):
    # Reading a canvas' pixels, which is done here and not by the page, has a message of its own.
    for opened, path in ((view, WRITTEN), (plain, linear)):
        assert [text for text in opened.said if "getImageData" not in text] == []
        assert set(opened.asked) <= {path.resolve().as_uri(), "data:,"}
    assert WRITTEN.stat().st_size <= 3_000_000
