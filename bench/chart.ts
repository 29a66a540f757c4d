/** The chart of a run: how far each row with a target is beyond it, as SVG. ECharts draws it without a document. */

import { BarChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent, TitleComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { Verdict } from './verdict.js';

echarts.use([BarChart, GridComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

const width = 1_100;
const barHeight = 20;
const frameHeight = 110;
const colours = { met: '#2f7d5b', missed: '#b4432f' };

/** An SVG with one bar for each verdict that has a target; undefined when none has. */
export function renderChart(verdicts: readonly Verdict[]): string | undefined {
  const judged = verdicts.filter(({ attainment }) => attainment !== undefined);
  if (judged.length === 0) return undefined;
  const height = frameHeight + judged.length * barHeight;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption(optionsOf(judged));
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

function optionsOf(verdicts: readonly Verdict[]): echarts.EChartsCoreOption {
  return {
    animation: false,
    backgroundColor: '#ffffff',
    title: {
      text: 'Ramax against its targets: 1 is on the target, more is better',
      textStyle: { fontSize: 14 },
    },
    grid: { left: 420, right: 70, top: 50, bottom: 40 },
    // Rows differ by orders of magnitude; on this axis a bar begins at 1.
    xAxis: { type: 'log' },
    yAxis: {
      type: 'category',
      inverse: true,
      data: verdicts.map(labelOf),
      axisLabel: { width: 400, fontSize: 11 },
    },
    series: [
      {
        type: 'bar',
        barWidth: 12,
        data: verdicts.map(({ attainment = 0, isMet }) => ({
          value: attainment,
          itemStyle: { color: isMet ? colours.met : colours.missed },
        })),
        label: {
          show: true,
          position: 'right',
          fontSize: 11,
          formatter: ({ value }: { value: number }) => shortly(value),
        },
        markLine: {
          symbol: 'none',
          label: { show: false },
          lineStyle: { color: '#333333' },
          data: [{ xAxis: 1 }],
        },
      },
    ],
  };
}

function labelOf({ row, target }: Verdict): string {
  return target?.of === 'ratio' ? `${row.title} : ${row.yardstick?.name}` : row.title;
}

function shortly(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}
