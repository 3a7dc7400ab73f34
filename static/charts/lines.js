// How curves look, and the columns that uPlot draws them from. A curve is drawn as up to four lines:
// the band of what its points stand for, what was logged, and the mean over it.

/** Lines differ by width, dots or dashes as well as by colour. `many`: there is a row for each step,
 * so that rows are a band; `quiet`: what was logged is faint beside its mean, without a band. */
export const LOOKS = {
    train: { colour: "--train", width: 1, many: true },
    val: { colour: "--val", width: 2, dots: true },
    other: { colour: "--other", width: 1.5 },
    norm: { colour: "--other", width: 1, many: true },
};

const FAINT_ROWS = 2000; // a noisy line of more rows is a band, through which others must be seen
const DOTS_MAX = 60;
const [RAW, BAND] = ["60", "2b"]; // opacities of what is behind the line that is to be read
const GAP = null; // nothing is drawn through it
const NO_ROW = undefined; // … and through this a line goes on

export const colour = (name) =>
    name.startsWith("--")
        ? getComputedStyle(document.documentElement).getPropertyValue(name).trim()
        : name;

// Colours are #rrggbb here; two more digits make them let others through.
const faintly = (tone, opacity) => colour(tone) + opacity;

/** `rows()` gives the curve's rows as they are now. */
function linesOf({ look, rows, smoothed }) {
    const { colour: tone, width, dots, dash, many, quiet } = LOOKS[look] ?? look;
    const hidden = { stroke: null, width: 0, points: { show: false } };
    const faint = () =>
        quiet ? smoothed : many && (smoothed || rows().thinned || rows().length > FAINT_ROWS);
    const raw = {
        stroke: () => (faint() ? faintly(tone, RAW) : colour(tone)),
        width,
        dash,
        points: {
            show: () => Boolean(dots) && rows().length <= DOTS_MAX,
            filter: (plot, series, all) => (all ? null : alone(plot.data[series])),
            size: 6,
        },
    };
    const mean = { stroke: () => colour(tone), width: 2, dash, points: { show: false } };
    return [...(many ? [hidden, hidden] : []), raw, ...(smoothed ? [mean] : [])];
}

const found = new WeakMap(); // a column → what stands alone in it: one is drawn many times

// Where a value stands between gaps: no line goes there, so that it has to be a dot.
function alone(values) {
    if (!found.has(values))
        found.set(values, findAlone(values));
    return found.get(values);
}

function findAlone(values) {
    const places = [];
    let [before, last] = [GAP, GAP]; // whatever stood there; the place of the value, if there is one
    for (let i = 0; i <= values.length; i++) {
        const value = i < values.length ? values[i] : GAP;
        if (value === NO_ROW)
            continue;
        if (value === GAP && last !== GAP && before === GAP)
            places.push(last);
        before = last;
        last = value === GAP ? GAP : i;
    }
    return places;
}

/** uPlot's series and bands for some curves {key, look, rows(), smoothed}. */
export function drawn(curves) {
    const series = [{}];
    const bands = [];
    for (const curve of curves) {
        const look = LOOKS[curve.look] ?? curve.look;
        if (look.many)
            bands.push({
                series: [series.length, series.length + 1],
                fill: () => faintly(look.colour, BAND),
            });
        series.push(...linesOf(curve));
    }
    return { series, bands };
}

function column(places, source) {
    const out = new Array(places.length);
    for (let i = 0; i < places.length; i++) {
        const at = places[i];
        if (at < 0) {
            out[i] = NO_ROW;
            continue;
        }
        out[i] = Number.isFinite(source[at]) ? source[at] : GAP;
    }
    return out;
}

/** The columns of `drawn`, over steps aligned beforehand. */
export function columns(curves, places) {
    return curves.flatMap(({ look, rows, smoothed }, k) => {
        const list = rows();
        const { many } = LOOKS[look] ?? look;
        const out = [];
        if (many && list.thinned)
            out.push(column(places[k], list.max), column(places[k], list.min));
        else if (many) out.push(new Array(places[k].length), new Array(places[k].length));
        out.push(column(places[k], list.value));
        if (smoothed)
            out.push(column(places[k], list.smoothed));
        return out;
    });
}
