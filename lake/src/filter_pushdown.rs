//! Pushes filters down a plan only where every column has a name of its own.
//!
//! DataFusion 55 finds the column of a filter that it pushes through a node by its name. Where a join yields two columns of one name, such
//! as the `patient_id` of both sides, the filter may reach the wrong side, and rows are missing from the result without a word: `visits
//! right join people … where visits.patient_id is null` found nobody. Filters on the columns of a table still reach its files: there, the
//! names are unique. Mended in DataFusion by its pull request 25259; this rule goes when that release is used.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{ExecutionPlan, replace_children_if_necessary};

/// The rule that it stands for, on the parts of a plan whose nodes all have unique column names.
#[derive(Debug)]
struct WhereNamesAreUnique(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for WhereNamesAreUnique {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        if unique(&plan) {
            return self.0.optimize(plan, config);
        }
        let children: Vec<_> = plan.children().into_iter().map(Arc::clone).collect();
        let children = children.into_iter().map(|child| self.optimize(child, config)).collect::<Result<Vec<_>>>()?;
        replace_children_if_necessary(plan, children)
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn unique(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = plan.schema();
    let mut names = HashSet::new();
    schema.fields().iter().all(|field| names.insert(field.name().as_str())) && plan.children().into_iter().all(unique)
}

/// The rules of DataFusion, with those that push filters down confined to where they are right.
#[must_use]
pub fn optimizer() -> PhysicalOptimizer {
    let mut optimizer = PhysicalOptimizer::new();
    for rule in &mut optimizer.rules {
        if rule.name().starts_with("FilterPushdown") {
            *rule = Arc::new(WhereNamesAreUnique(Arc::clone(rule)));
        }
    }
    optimizer
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, RecordBatch, StringViewArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::util::pretty::pretty_format_batches;

    use crate::{parquet_file, sql};

    use super::*;

    #[test]
    fn filters_on_columns_of_one_name_find_the_side_that_they_are_about() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8View, true),
            Field::new("number", DataType::Int32, true),
        ]));
        let folder = tempfile::tempdir().expect("a folder");
        let scratch = tempfile::tempdir().expect("a folder");
        let runtime = sql::runtime(1 << 26, sql::Sharing::Free, scratch.path()).expect("a runtime");
        let context = sql::session(2, &runtime).expect("a session");
        // The table on the left is larger, so that the sides are swapped.
        for (name, rows) in [("visit", 5_000), ("person", 100)] {
            let ids = StringViewArray::from_iter_values((0..rows).map(|row| format!("p{:03}", row % 90)));
            let ids = if name == "visit" {
                ids
            } else {
                StringViewArray::from_iter_values((0..rows).map(|row| format!("p{row:03}")))
            };
            let numbers = Int32Array::from_iter_values(0..rows);
            let batch =
                RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(ids), Arc::new(numbers)]).expect("rows");
            let path = folder.path().join(format!("{name}.parquet"));
            let mut writer = parquet_file::Writer::create(&path, Arc::clone(&schema)).expect("a file");
            writer.write(&batch).expect("written");
            writer.finish().expect("written");
            let table = sql::unordered(&[&path], Arc::clone(&schema)).expect("a table");
            sql::register(&context, "lake", name, table).expect("registered");
        }
        let tokio = tokio::runtime::Builder::new_multi_thread().build().expect("threads");
        let count = |text: &str| {
            tokio.block_on(async {
                let rows = sql::read_only(&context, text).await.expect("a query").collect().await.expect("rows");
                pretty_format_batches(&rows).expect("text").to_string()
            })
        };
        let nobody = "select count(*) as n from visit v right join person p on v.id = p.id where v.id is null";
        assert!(count(nobody).contains("| 10 |"), "{}", count(nobody));
        let smallest = "select p.number as n from visit v join person p on v.id = p.id where p.number > 50 \
                        order by p.number, v.number limit 1";
        assert!(count(smallest).contains("| 51 |"), "{}", count(smallest));
        // Files are still read by what they hold.
        let plan = count("explain select number from visit where id = 'p001'");
        assert!(plan.contains("pruning_predicate"), "{plan}");
    }
}
