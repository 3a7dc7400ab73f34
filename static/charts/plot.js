// The life of a uPlot on the page: made when its place is there, made anew for another theme, sized
// with its place. What is drawn is for those that extend it: build() and props.wide.
import { Component } from "../html.js";
import { logTicks, valueTicks, xAxis } from "./axis.js";
import { colour } from "./lines.js";

export class Plot extends Component {
    constructor() {
        super();
        this.plot = null;
        this.rebuild = () => this.build();
        this.keep = (place) => (this.place = place);
    }

    componentDidMount() {
        this.build();
        addEventListener("themechange", this.rebuild);
        this.sized = new ResizeObserver(() => {
            this.plot.setSize(this.size());
            this.props.wide?.(this.place.clientWidth);
        });
        this.sized.observe(this.place);
    }

    componentWillUnmount() {
        removeEventListener("themechange", this.rebuild);
        this.sized.disconnect();
        this.plot.destroy();
    }

    size() {
        return { width: this.place.clientWidth, height: this.place.clientHeight };
    }

    axes(x, metric, logy) {
        const thin = { stroke: colour("--grid"), width: 1 };
        const axis = { stroke: colour("--soft"), grid: thin, ticks: thin, font: "12px system-ui" };
        return [
            { ...axis, ...xAxis(x) },
            { ...axis, size: 64, values: valueTicks(metric), ...(logy && { filter: logTicks }) },
        ];
    }
}
