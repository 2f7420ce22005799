//! Window functions over many partitions of few rows, such as the stays of each patient.
//!
//! DataFusion evaluates every function for every partition by itself, which costs microseconds for each: with a row or two in most
//! partitions that is most of the work. Where the rows come in order of partition and time anyway, the same functions are loops over
//! a whole batch. [`SmallWindows`] is a rule of the physical optimizer that puts such loops in the place of window nodes whose functions
//! are all known here; others stay as they are, and so does every result.
//!
//! | functions | frames |
//! |---|---|
//! | `row_number`, `lag` and `lead` by one row, with and without `ignore nulls` | |
//! | `first_value`, `last_value`, with and without `ignore nulls` | from the first row, or to the last |
//! | `count`, `min`, `max`, `sum` of whole numbers and decimals, `bool_or`, `bool_and` | the same |
//! | `array_agg` | the same |

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, ListArray, RecordBatch, UInt32Array,
    UInt64Array, make_comparator,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{SortOptions, concat_batches, partition, take};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics, exec_err, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::window::{
    PlainAggregateWindowExpr, SlidingAggregateWindowExpr, StandardWindowExpr, WindowExpr,
};
use datafusion::physical_expr_common::sort_expr::OrderingRequirements;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec, WindowUDFExpr};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, PlanProperties,
};
use futures::{StreamExt, TryStreamExt};

/// Replaces window nodes whose functions are all known.
#[derive(Debug)]
pub struct SmallWindows;

impl PhysicalOptimizerRule for SmallWindows {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let any: &dyn std::any::Any = node.as_ref();
            let bounded = any.downcast_ref::<BoundedWindowAggExec>().map(BoundedWindowAggExec::window_expr);
            let exprs = bounded.or_else(|| any.downcast_ref::<WindowAggExec>().map(WindowAggExec::window_expr));
            let small = exprs.and_then(|exprs| SmallWindowExec::new(&node, exprs));
            Ok(small.map_or_else(|| Transformed::no(Arc::clone(&node)), |small| Transformed::yes(Arc::new(small) as _)))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "small_windows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The rows of a partition that a function sees from one of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// All.
    Whole,
    /// From the first to so many rows beyond the current one.
    UpTo(isize),
    /// From the first to the last one that is equal to the current one in order.
    Peers,
    /// From so many rows beyond the current one to the last.
    From(isize),
}

impl Frame {
    fn of(frame: &WindowFrame, ordered: bool) -> Option<Self> {
        let offset = |bound: &WindowFrameBound| -> Option<Option<isize>> {
            match bound {
                WindowFrameBound::CurrentRow => Some(Some(0)),
                WindowFrameBound::Preceding(rows) | WindowFrameBound::Following(rows) if rows.is_null() => Some(None),
                WindowFrameBound::Preceding(rows) => Some(Some(-whole(rows)?)),
                WindowFrameBound::Following(rows) => Some(Some(whole(rows)?)),
            }
        };
        let (start, end) = (offset(&frame.start_bound)?, offset(&frame.end_bound)?);
        match (frame.units, start, end) {
            (WindowFrameUnits::Range, None, Some(0)) if ordered => Some(Self::Peers),
            (WindowFrameUnits::Rows | WindowFrameUnits::Range, None, None)
            | (WindowFrameUnits::Range, None, Some(0)) => Some(Self::Whole),
            (WindowFrameUnits::Rows, None, Some(end)) => Some(Self::UpTo(end)),
            (WindowFrameUnits::Rows, Some(start), None) => Some(Self::From(start)),
            _ => None,
        }
    }
}

fn whole(value: &datafusion::common::ScalarValue) -> Option<isize> {
    value.to_string().parse().ok()
}

/// What a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    RowNumber,
    Lag { ignore_nulls: bool },
    Lead { ignore_nulls: bool },
    First { ignore_nulls: bool },
    Last { ignore_nulls: bool },
    Count,
    Least,
    Greatest,
    Sum,
    Any,
    All,
    List,
}

/// A function with its arguments and frame.
#[derive(Debug, Clone)]
struct Call {
    function: Function,
    argument: Option<Arc<dyn PhysicalExpr>>,
    frame: Frame,
    kind: DataType,
}

impl Call {
    /// The call that a window expression is; nothing where it is none of those known here.
    fn of(expr: &Arc<dyn WindowExpr>) -> Option<Self> {
        let kind = expr.field().ok()?.data_type().clone();
        let frame = Frame::of(expr.get_window_frame(), !expr.order_by().is_empty());
        let any = expr.as_any();
        if let Some(standard) = any.downcast_ref::<StandardWindowExpr>() {
            let function = standard.get_standard_func_expr().as_any().downcast_ref::<WindowUDFExpr>()?;
            let arguments = function.args();
            // Whether nulls are ignored is said nowhere else.
            let told = format!("{function:?}");
            let ignore_nulls = match told.rsplit_once(", is_reversed: false, ignore_nulls: ")?.1 {
                "true }" => true,
                "false }" => false,
                _ => return None,
            };
            let (function, frame) = match function.fun().name() {
                "row_number" => (Function::RowNumber, Frame::Whole),
                "lag" if arguments.len() == 1 => (Function::Lag { ignore_nulls }, Frame::Whole),
                "lead" if arguments.len() == 1 => (Function::Lead { ignore_nulls }, Frame::Whole),
                "first_value" => (Function::First { ignore_nulls }, frame?),
                "last_value" => (Function::Last { ignore_nulls }, frame?),
                _ => return None,
            };
            return Some(Self { function, argument: arguments.first().cloned(), frame, kind });
        }
        let aggregate = if let Some(plain) = any.downcast_ref::<PlainAggregateWindowExpr>() {
            plain.get_aggregate_expr()
        } else {
            any.downcast_ref::<SlidingAggregateWindowExpr>()?.get_aggregate_expr()
        };
        let has_filter = !format!("{expr:?}").ends_with("filter: None }");
        let is_plain = !aggregate.is_distinct() && !aggregate.ignore_nulls() && !aggregate.is_reversed();
        if has_filter || !is_plain || !aggregate.order_bys().is_empty() {
            return None;
        }
        let arguments = aggregate.expressions();
        let [argument] = arguments.as_slice() else { return None };
        let frame = frame?;
        let function = match aggregate.fun().name() {
            "count" => Function::Count,
            "min" if is_ordered(&kind) => Function::Least,
            "max" if is_ordered(&kind) => Function::Greatest,
            "sum" if matches!(kind, DataType::Int64 | DataType::Decimal128(..)) => Function::Sum,
            "bool_or" => Function::Any,
            "bool_and" => Function::All,
            "array_agg" => Function::List,
            _ => return None,
        };
        Some(Self { function, argument: Some(Arc::clone(argument)), frame, kind })
    }
}

/// Kinds of which the engine and a comparison of two values agree which is greater: not so for numbers that may be none.
fn is_ordered(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Int32
            | DataType::Int64
            | DataType::Boolean
            | DataType::Date32
            | DataType::Timestamp(..)
            | DataType::Decimal128(..)
            | DataType::Utf8
            | DataType::Utf8View
    )
}

/// Evaluates functions over rows that come in order.
#[derive(Debug)]
struct SmallWindowExec {
    /// The node whose place it takes: it says which order and distribution the rows must have, and what follows of the result.
    instead_of: Arc<dyn ExecutionPlan>,
    calls: Arc<Vec<Call>>,
    keys: Arc<Keys>,
}

/// What rows are divided by, and ordered by within.
#[derive(Debug)]
struct Keys {
    partition: Vec<Arc<dyn PhysicalExpr>>,
    order: Vec<Arc<dyn PhysicalExpr>>,
}

impl SmallWindowExec {
    fn new(node: &Arc<dyn ExecutionPlan>, exprs: &[Arc<dyn WindowExpr>]) -> Option<Self> {
        let first = exprs.first()?;
        if first.partition_by().is_empty() {
            return None;
        }
        let calls: Option<Vec<Call>> = exprs.iter().map(Call::of).collect();
        Some(Self {
            instead_of: Arc::clone(node),
            calls: Arc::new(calls?),
            keys: Arc::new(Keys {
                partition: first.partition_by().to_vec(),
                order: first.order_by().iter().map(|by| Arc::clone(&by.expr)).collect(),
            }),
        })
    }
}

impl DisplayAs for SmallWindowExec {
    fn fmt_as(&self, _: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SmallWindowExec: functions={:?}", self.calls.iter().map(|call| call.function).collect::<Vec<_>>())
    }
}

impl ExecutionPlan for SmallWindowExec {
    fn name(&self) -> &'static str {
        "SmallWindowExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.instead_of.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.instead_of.children()
    }

    // It does keep the order, as its properties say. Were it said here too, a sort that something above needs would be moved below, and
    // replace the order that the functions need.
    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        self.instead_of.required_input_ordering()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.instead_of.input_distribution_requirements()
    }

    fn apply_expressions(
        &self,
        apply: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let arguments = self.calls.iter().filter_map(|call| call.argument.as_ref());
        for expr in self.keys.partition.iter().chain(&self.keys.order).chain(arguments) {
            if apply(expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    // The rows are those of the node in whose place this one stands: joins above it choose the side to hold by their number.
    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        self.instead_of.child_stats_requests(partition)
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        self.instead_of.statistics_from_inputs(inputs, args)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            instead_of: Arc::clone(&self.instead_of).replace_children(children, options)?,
            calls: Arc::clone(&self.calls),
            keys: Arc::clone(&self.keys),
        }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let [input] = self.children()[..] else { return internal_err!("a window has one input") };
        let input = input.execute(partition, context)?;
        let schema = self.schema();
        let evaluation =
            Evaluation { calls: Arc::clone(&self.calls), keys: Arc::clone(&self.keys), schema: Arc::clone(&schema) };
        let batches = futures::stream::try_unfold((input, Some(Waiting::default()), evaluation), |state| async {
            let (mut input, waiting, evaluation) = state;
            let Some(mut waiting) = waiting else { return Ok(None) };
            loop {
                match input.next().await.transpose()? {
                    Some(batch) => {
                        if let Some(done) = evaluation.add(&mut waiting, batch)? {
                            return Ok(Some((done, (input, Some(waiting), evaluation))));
                        }
                    }
                    None => {
                        let done = evaluation.rest(&waiting)?;
                        return Ok(done.map(|done| (done, (input, None, evaluation))));
                    }
                }
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches.into_stream())))
    }
}

/// Rows of a partition that may not be whole yet.
#[derive(Debug, Default)]
struct Waiting {
    batches: Vec<RecordBatch>,
    rows: usize,
    /// Rows from which on it is worth to look again: a partition of very many rows is not looked at for each batch of it.
    look_at: usize,
}

struct Evaluation {
    calls: Arc<Vec<Call>>,
    keys: Arc<Keys>,
    schema: SchemaRef,
}

impl Evaluation {
    /// Takes rows, and evaluates those of partitions that are whole.
    fn add(&self, waiting: &mut Waiting, batch: RecordBatch) -> Result<Option<RecordBatch>> {
        waiting.rows += batch.num_rows();
        waiting.batches.push(batch);
        if waiting.rows == 0 || waiting.rows < waiting.look_at {
            return Ok(None);
        }
        let all = together(&waiting.batches)?;
        let parts = ranges(&self.keys.partition, &all)?;
        let last = parts.last().map_or(0, |part| part.start);
        let rest = compact(&all.slice(last, all.num_rows() - last))?;
        waiting.rows = rest.num_rows();
        waiting.look_at = if last == 0 { 2 * waiting.rows } else { 0 };
        waiting.batches = vec![rest];
        if last == 0 {
            return Ok(None);
        }
        self.evaluate(&all.slice(0, last), &parts[..parts.len() - 1]).map(Some)
    }

    /// Evaluates the rows that are left at the end.
    fn rest(&self, waiting: &Waiting) -> Result<Option<RecordBatch>> {
        if waiting.rows == 0 {
            return Ok(None);
        }
        let all = together(&waiting.batches)?;
        let parts = ranges(&self.keys.partition, &all)?;
        self.evaluate(&all, &parts).map(Some)
    }

    fn evaluate(&self, rows: &RecordBatch, parts: &[Range<usize>]) -> Result<RecordBatch> {
        let mut columns = rows.columns().to_vec();
        let mut peers = None;
        for call in self.calls.iter() {
            if call.frame == Frame::Peers && peers.is_none() {
                let by: Vec<_> = self.keys.partition.iter().chain(&self.keys.order).cloned().collect();
                let mut ends = vec![0; rows.num_rows()];
                for range in ranges(&by, rows)? {
                    ends[range.clone()].fill(range.end);
                }
                peers = Some(ends);
            }
            let argument = call.argument.as_ref().map(|argument| argument.evaluate(rows)?.into_array(rows.num_rows()));
            let window = Window { parts, frame: call.frame, peers: peers.as_deref().unwrap_or_default() };
            columns.push(window.call(call, argument.transpose()?.as_ref(), rows.num_rows())?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

fn together(batches: &[RecordBatch]) -> Result<RecordBatch> {
    match batches {
        [one] => Ok(one.clone()),
        [] => internal_err!("no rows"),
        [first, ..] => Ok(concat_batches(&first.schema(), batches)?),
    }
}

/// The rows without what else lies in the memory of their texts.
fn compact(rows: &RecordBatch) -> Result<RecordBatch> {
    let columns = rows.columns().iter().map(|column| match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()) as ArrayRef,
        _ => Arc::clone(column),
    });
    Ok(RecordBatch::try_new(rows.schema(), columns.collect())?)
}

/// Ranges of rows that are equal in these expressions.
fn ranges(by: &[Arc<dyn PhysicalExpr>], rows: &RecordBatch) -> Result<Vec<Range<usize>>> {
    let columns = by.iter().map(|expr| expr.evaluate(rows)?.into_array(rows.num_rows()));
    Ok(partition(&columns.collect::<Result<Vec<_>>>()?)?.ranges())
}

/// The partitions of some rows, and what a function sees of them.
struct Window<'a> {
    parts: &'a [Range<usize>],
    frame: Frame,
    /// Behind the last row that is equal to each in order.
    peers: &'a [usize],
}

impl Window<'_> {
    /// The rows that a function sees from a row of a partition.
    fn seen(&self, part: &Range<usize>, row: usize) -> Range<usize> {
        let moved = |by: isize| row.saturating_add_signed(by).clamp(part.start, part.end);
        match self.frame {
            Frame::Whole => part.clone(),
            Frame::UpTo(by) => part.start..moved(by.saturating_add(1)),
            Frame::Peers => part.start..self.peers[row],
            Frame::From(by) => moved(by)..part.end,
        }
    }

    /// Each row with its partition and what is seen from it.
    fn rows(&self) -> impl Iterator<Item = (usize, Range<usize>)> + '_ {
        self.parts.iter().flat_map(move |part| part.clone().map(move |row| (row, self.seen(part, row))))
    }

    fn call(&self, call: &Call, argument: Option<&ArrayRef>, rows: usize) -> Result<ArrayRef> {
        if call.function == Function::RowNumber {
            let numbers = self.parts.iter().flat_map(|part| 1..=part.len() as u64);
            return Ok(Arc::new(UInt64Array::from_iter_values(numbers)));
        }
        let Some(values) = argument else { return internal_err!("a function without an argument") };
        Ok(match call.function {
            Function::RowNumber => return internal_err!("row numbers are made above"),
            Function::Lag { ignore_nulls } => {
                let before = row_before(values, ignore_nulls);
                self.take(values, |part, row| (row > part.start).then(|| before(row - 1, part)).flatten())?
            }
            Function::Lead { ignore_nulls } => {
                let after = row_after(values, ignore_nulls);
                self.take(values, |part, row| (row + 1 < part.end).then(|| after(row + 1, part)).flatten())?
            }
            Function::First { ignore_nulls } => {
                let after = row_after(values, ignore_nulls);
                self.take(values, |part, row| {
                    let seen = self.seen(part, row);
                    (!seen.is_empty()).then(|| after(seen.start, part)).flatten().filter(|found| *found < seen.end)
                })?
            }
            Function::Last { ignore_nulls } => {
                let before = row_before(values, ignore_nulls);
                self.take(values, |part, row| {
                    let seen = self.seen(part, row);
                    (!seen.is_empty())
                        .then(|| before(seen.end - 1, part))
                        .flatten()
                        .filter(|found| *found >= seen.start)
                })?
            }
            Function::Count => {
                let valid = running(rows, |row| i64::from(values.is_valid(row)));
                Arc::new(Int64Array::from_iter_values(self.rows().map(|(_, seen)| between(&valid, &seen))))
            }
            Function::Sum => self.sum(values, &call.kind)?,
            Function::Least => self.extreme(values, std::cmp::Ordering::Less)?,
            Function::Greatest => self.extreme(values, std::cmp::Ordering::Greater)?,
            Function::Any | Function::All => {
                let Some(flags) = values.as_boolean_opt() else { return internal_err!("no flags") };
                let is = |row: usize, wanted: bool| flags.is_valid(row) && flags.value(row) == wanted;
                let decisive = call.function == Function::Any;
                let decided = running(rows, |row| i64::from(is(row, decisive)));
                let others = running(rows, |row| i64::from(is(row, !decisive)));
                let found = self.rows().map(|(_, seen)| {
                    if between(&decided, &seen) > 0 {
                        Some(decisive)
                    } else {
                        (between(&others, &seen) > 0).then_some(!decisive)
                    }
                });
                Arc::new(found.collect::<BooleanArray>())
            }
            Function::List => self.lists(values, &call.kind)?,
        })
    }

    /// The values of other rows.
    fn take(&self, values: &ArrayRef, of: impl Fn(&Range<usize>, usize) -> Option<usize>) -> Result<ArrayRef> {
        let each = self.parts.iter().flat_map(|part| part.clone().map(|row| of(part, row)));
        let places: UInt32Array = each.map(|row| row.and_then(|row| u32::try_from(row).ok())).collect();
        Ok(take(values, &places, None)?)
    }

    fn sum(&self, values: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
        let valid = running(values.len(), |row| i64::from(values.is_valid(row)));
        let is_any = |seen: &Range<usize>| between(&valid, seen) > 0;
        match kind {
            DataType::Int64 => {
                let numbers = values.as_primitive::<Int64Type>();
                let sums = running(values.len(), |row| if numbers.is_valid(row) { numbers.value(row) } else { 0 });
                let found = self.rows().map(|(_, seen)| is_any(&seen).then(|| between(&sums, &seen)));
                Ok(Arc::new(found.collect::<Int64Array>()))
            }
            DataType::Decimal128(precision, scale) => {
                let numbers = values.as_primitive::<Decimal128Type>();
                let mut sums = vec![0_i128];
                for row in 0..values.len() {
                    let number = if numbers.is_valid(row) { numbers.value(row) } else { 0 };
                    sums.push(sums[row].wrapping_add(number));
                }
                let sum = |seen: &Range<usize>| sums[seen.end].wrapping_sub(sums[seen.start]);
                let found = self.rows().map(|(_, seen)| is_any(&seen).then(|| sum(&seen)));
                Ok(Arc::new(found.collect::<Decimal128Array>().with_precision_and_scale(*precision, *scale)?))
            }
            _ => internal_err!("a sum of {kind}"),
        }
    }

    /// The least or the greatest value seen.
    fn extreme(&self, values: &ArrayRef, wanted: std::cmp::Ordering) -> Result<ArrayRef> {
        let compare = make_comparator(values, values, SortOptions::default())?;
        let better = |row: usize, best: Option<usize>| match best {
            _ if values.is_null(row) => best,
            Some(best) if compare(row, best) != wanted => Some(best),
            _ => Some(row),
        };
        // From the first row on, or from the last one back.
        let mut best: Vec<Option<usize>> = vec![None; values.len()];
        for part in self.parts {
            let mut so_far = None;
            let mut note = |row: usize| {
                so_far = better(row, so_far);
                best[row] = so_far;
            };
            match self.frame {
                Frame::From(_) => part.clone().rev().for_each(&mut note),
                _ => part.clone().for_each(&mut note),
            }
        }
        self.take(values, |part, row| {
            let seen = self.seen(part, row);
            match self.frame {
                _ if seen.is_empty() => None,
                Frame::From(_) => best[seen.start],
                _ => best[seen.end - 1],
            }
        })
    }

    /// All values seen from each row.
    fn lists(&self, values: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
        let DataType::List(field) = kind else { return internal_err!("a list of {kind}") };
        let mut places: Vec<u32> = Vec::new();
        let mut lengths = Vec::new();
        let mut is_any = Vec::new();
        for (_, seen) in self.rows() {
            lengths.push(seen.len());
            is_any.push(!seen.is_empty());
            places.extend(seen.filter_map(|row| u32::try_from(row).ok()));
            if i32::try_from(places.len()).is_err() {
                return exec_err!("lists over a window hold more than {} values", i32::MAX);
            }
        }
        let items = take(values, &UInt32Array::from(places), None)?;
        // Of no rows there is no list.
        let is_any = is_any.into_iter().collect::<NullBuffer>();
        let lists = ListArray::try_new(Arc::clone(field), OffsetBuffer::from_lengths(lengths), items, Some(is_any))?;
        Ok(Arc::new(lists))
    }
}

/// The last row up to one with a value, within its partition.
fn row_before(values: &ArrayRef, ignore_nulls: bool) -> impl Fn(usize, &Range<usize>) -> Option<usize> + use<> {
    let mut with_value: Vec<Option<usize>> = Vec::new();
    if ignore_nulls {
        let mut last = None;
        for row in 0..values.len() {
            last = if values.is_valid(row) { Some(row) } else { last };
            with_value.push(last);
        }
    }
    move |row, part| if ignore_nulls { with_value[row].filter(|found| part.contains(found)) } else { Some(row) }
}

/// The first row from one on with a value, within its partition.
fn row_after(values: &ArrayRef, ignore_nulls: bool) -> impl Fn(usize, &Range<usize>) -> Option<usize> + use<> {
    let mut with_value: Vec<Option<usize>> = Vec::new();
    if ignore_nulls {
        with_value = vec![None; values.len()];
        let mut next = None;
        for row in (0..values.len()).rev() {
            next = if values.is_valid(row) { Some(row) } else { next };
            with_value[row] = next;
        }
    }
    move |row, part| if ignore_nulls { with_value[row].filter(|found| part.contains(found)) } else { Some(row) }
}

/// Sums of the first rows: none, one, two and so on.
fn running(rows: usize, of: impl Fn(usize) -> i64) -> Vec<i64> {
    let mut sums = Vec::with_capacity(rows + 1);
    sums.push(0_i64);
    for row in 0..rows {
        sums.push(sums[row].wrapping_add(of(row)));
    }
    sums
}

fn between(sums: &[i64], seen: &Range<usize>) -> i64 {
    if seen.is_empty() { 0 } else { sums[seen.end].wrapping_sub(sums[seen.start]) }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Date32Array, StringViewArray};
    use arrow::datatypes::{Field, Schema};
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::sql;

    /// Rows of partitions of many lengths, with nulls and equal values, in batches that cut partitions.
    fn rows() -> Vec<RecordBatch> {
        let schema = Arc::new(Schema::new(vec![
            Field::new("p", DataType::Utf8View, true),
            Field::new("id", DataType::Int64, false),
            Field::new("day", DataType::Date32, true),
            Field::new("text", DataType::Utf8View, true),
            Field::new("number", DataType::Int64, true),
            Field::new("money", DataType::Decimal128(18, 2), true),
            Field::new("flag", DataType::Boolean, true),
        ]));
        let mut state = 1_u64;
        let mut next = |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        let batch = |length: usize, next: &mut dyn FnMut(u64) -> u64| {
            let mut some = |limit: u64| (next(4) > 0).then(|| next(limit));
            let partitions: Vec<Option<String>> =
                (0..length).map(|_| some(40).map(|p| format!("p{}", p * p / 60))).collect();
            let small: Vec<Option<i64>> = (0..length).map(|_| some(9).and_then(|n| i64::try_from(n).ok())).collect();
            let columns: Vec<ArrayRef> = vec![
                Arc::new(partitions.iter().map(Option::as_deref).collect::<StringViewArray>()),
                Arc::new(
                    (0..length).map(|_| Some(i64::try_from(next(1 << 40)).expect("small"))).collect::<Int64Array>(),
                ),
                Arc::new(small.iter().map(|n| n.and_then(|n| i32::try_from(n / 2).ok())).collect::<Date32Array>()),
                Arc::new(
                    small
                        .iter()
                        .map(|n| n.map(|n| format!("a text longer than twelve bytes {n}")))
                        .collect::<StringViewArray>(),
                ),
                Arc::new(small.iter().map(|n| n.map(|n| n - 4)).collect::<Int64Array>()),
                Arc::new(
                    small
                        .iter()
                        .rev()
                        .map(|n| n.map(i128::from))
                        .collect::<Decimal128Array>()
                        .with_precision_and_scale(18, 2)
                        .expect("a decimal"),
                ),
                Arc::new(small.iter().map(|n| n.map(|n| n % 3 == 0)).collect::<BooleanArray>()),
            ];
            RecordBatch::try_new(Arc::clone(&schema), columns).expect("rows")
        };
        [1, 700, 3, 40, 900].map(|length| batch(length, &mut next)).into()
    }

    const FUNCTIONS: [&str; 14] = [
        "first_value({}) over",
        "last_value({}) over",
        "first_value({}) ignore nulls over",
        "last_value({}) ignore nulls over",
        "lag({}) over",
        "lead({}) over",
        "lag({}) ignore nulls over",
        "lead({}) ignore nulls over",
        "min({}) over",
        "max({}) over",
        "count({}) over",
        "count(*) over",
        "row_number() over",
        "sum(number) over",
    ];
    const FRAMES: [&str; 7] = [
        "(partition by p order by day, id)",
        "(partition by p order by day nulls first, id rows between unbounded preceding and 1 preceding)",
        "(partition by p order by day desc, id rows between unbounded preceding and current row)",
        "(partition by p order by day, id rows between 1 following and unbounded following)",
        "(partition by p order by day, id rows between current row and unbounded following)",
        "(partition by p, text order by id rows between unbounded preceding and unbounded following)",
        "(partition by p order by day, id rows between unbounded preceding and 2 following)",
    ];
    const OTHERS: [&str; 11] = [
        // Rows that are equal in order are seen together.
        "sum(number) over (partition by p order by day)",
        "max(text) over (partition by p order by day)",
        "count(money) over (partition by p order by day)",
        "sum(money) over (partition by p)",
        "bool_or(flag) over (partition by p order by day, id rows between unbounded preceding and 1 preceding)",
        "bool_and(flag) over (partition by p, day)",
        "array_agg(text) over (partition by p, day order by id rows between unbounded preceding and unbounded following)",
        "sum(number) over (partition by p order by day, id rows between unbounded preceding and current row)",
        "sum(case when flag then 1 else 0 end) over (partition by p, text)",
        "array_agg(number) over (partition by p, day order by id rows between unbounded preceding and current row)",
        "array_agg(number) over (partition by p, day order by id rows between unbounded preceding and 1 preceding)",
    ];

    #[test]
    fn every_function_and_frame_gives_what_the_engine_gives() {
        let batches = rows();
        let scratch = tempfile::tempdir().expect("a folder");
        let runtime = sql::runtime(1 << 28, sql::Sharing::Free, scratch.path()).expect("a runtime");
        let ours = sql::measuring_session(2, &runtime).expect("a session");
        let engine = SessionContext::new();
        let table = || sql::in_memory(batches[0].schema(), batches.clone()).expect("a table");
        sql::register(&ours, "lake", "t", table()).expect("registered");
        engine.register_table("t", table()).expect("registered");
        let tokio = tokio::runtime::Builder::new_multi_thread().build().expect("threads");
        let mut calls: Vec<String> = OTHERS.map(str::to_owned).into();
        for function in FUNCTIONS {
            for frame in FRAMES {
                let columns: &[&str] =
                    if function.contains("{}") { &["text", "day", "number", "flag", "money"] } else { &[""] };
                calls.extend(columns.iter().map(|column| format!("{} {frame}", function.replace("{}", column))));
            }
        }
        let mut texts: Vec<String> =
            calls.iter().map(|call| format!("select id, {call} as found from t order by id")).collect();
        // Windows over windows, each in an order of its own.
        texts.push(
            "select id, p, island, first, lead(text) over (partition by p, island order by number, id) as found from ( \
               select *, min(day) over (partition by p, island order by id rows between unbounded preceding and current row) as first \
               from (select *, sum(case when flag then 1 else 0 end) over (partition by p order by day, id \
                     rows between unbounded preceding and current row) as island from t) islands) firsts order by id"
                .to_owned(),
        );
        for text in texts {
            let run = |context: &SessionContext| {
                tokio.block_on(async {
                    let frame = context.sql(&text).await.expect("a query");
                    let plan = frame.clone().create_physical_plan().await.expect("a plan");
                    let rows = frame.collect().await.expect("rows");
                    (
                        displayable(plan.as_ref()).indent(false).to_string(),
                        pretty_format_batches(&rows).expect("text").to_string(),
                    )
                })
            };
            let ((plan, found), (_, expected)) = (run(&ours), run(&engine));
            assert!(plan.contains("SmallWindowExec") && !plan.contains("WindowAggExec"), "{text}: {plan}");
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn other_functions_stay_as_they_are() {
        let batches = rows();
        let scratch = tempfile::tempdir().expect("a folder");
        let runtime = sql::runtime(1 << 28, sql::Sharing::Free, scratch.path()).expect("a runtime");
        let context = sql::measuring_session(2, &runtime).expect("a session");
        sql::register(&context, "lake", "t", sql::in_memory(batches[0].schema(), batches).expect("a table"))
            .expect("registered");
        let tokio = tokio::runtime::Builder::new_multi_thread().build().expect("threads");
        for call in [
            "sum(number) filter (where flag) over (partition by p)",
            "count(distinct number) over (partition by p)",
            "lag(number, 2) over (partition by p order by id)",
            "row_number() over (order by id)",
            "ntile(3) over (partition by p order by id)",
            "sum(cast(number as double)) over (partition by p)",
            "sum(number) over (partition by p order by id rows between 2 preceding and current row)",
        ] {
            let text = format!("select id, {call} as found from t");
            let plan = tokio.block_on(async { context.sql(&text).await?.create_physical_plan().await });
            let plan = displayable(plan.expect("a plan").as_ref()).indent(false).to_string();
            assert!(!plan.contains("SmallWindowExec"), "{call}: {plan}");
        }
    }
}
