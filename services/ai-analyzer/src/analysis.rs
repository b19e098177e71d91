//! The stage: from a conversation to where the request goes.

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    AnalysisSection, Brief, Claimed, Classify, Disposition, Engine, Outcome, QualificationSection,
    Record, Section, Stage, StageError, StageHandler, Tokens, Usage, qualification, workflow,
};
use google::{Answer, CallError, GeminiError, GeminiFault, Spent};

use crate::{
    Deps,
    analysis_input::AnalysisInput,
    answer::{self, OutsideSchema},
    judgment::Judgment,
    prompt::{PROMPT_VERSION, prompt},
    rules::{self, RULES_VERSION},
};

/// A lead does not wait longer than this for a model that asks us to slow down.
const PATIENCE: Duration = Duration::from_secs(10);

/// Judges the conversation and qualifies the request.
///
/// In: a request for which everything was gathered that its channel has. Out: its `analysis`, unless that is current,
/// and its `qualification`. A repeat asks the model again and replaces both.
#[derive(Debug)]
pub(crate) struct Analysis(pub(crate) Deps);

#[async_trait]
impl StageHandler for Analysis {
    fn stage(&self) -> Stage {
        Stage::Analysis
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let document = &job.request.document;
        let made = if workflow::needs_model(document) {
            Some(analyse(&self.0, job).await?)
        } else {
            None
        };
        let analysis = made.as_ref().or(document.analysis.as_ref());
        let analysis =
            analysis.ok_or_else(|| StageError::permanent("the request has no analysis"))?;
        let qualification = qualify(&self.0, job, analysis).await?;
        let mut sections =
            Vec::from_iter(made.map(|analysis| Section::Analysis(Box::new(analysis))));
        sections.push(Section::Qualification(qualification));
        Ok(Outcome::Done {
            sections,
            aliases: Vec::new(),
        })
    }
}

/// What follows for the tenant. A map is asked only where what was said leaves the area open.
async fn qualify(
    deps: &Deps,
    job: &Claimed,
    analysis: &AnalysisSection,
) -> Result<QualificationSection, StageError> {
    let (document, office) = (&job.request.document, &job.config);
    let qualified = qualification::qualify(document, analysis, office, None);
    let address = qualification::address_to_locate(document, analysis, office, &qualified);
    let (Some(map), Some(address)) = (&deps.map, address) else {
        return Ok(qualified);
    };
    let (outcome, at) = map.find(job, &address).await?;
    Ok(QualificationSection {
        map: Some(outcome),
        ..qualification::qualify(document, analysis, office, at)
    })
}

/// Judges what there is: by a model, else by the rules. Fails only while it is worth asking the model again.
async fn analyse(deps: &Deps, job: &Claimed) -> Result<AnalysisSection, StageError> {
    let input = AnalysisInput::new(brief(job));
    if input.is_wordless() {
        return Ok(by_rules(job, &input, Tokens::default()));
    }
    let marker = format!("{:032x}", rand::random::<u128>());
    let question = prompt(&input, &job.request.tenant, &marker);
    let answered = deps.gemini.generate(&question).await;
    let spent = answered
        .as_ref()
        .map_or_else(|error| &error.spent, |answer| &answer.spent);
    record(job, spent);
    let tokens = spent.total();
    match judged(answered, &input) {
        Ok((judgment, model)) => {
            let revision = job.request.document.revisions.of(Stage::Analysis);
            Ok(judgment.into_section(revision, Engine::Model(model), PROMPT_VERSION, tokens))
        }
        Err(NoJudgment::Gemini(error)) if matches!(error.fault, GeminiFault::Blocked { .. }) => {
            let section = by_rules(job, &input, tokens);
            Ok(AnalysisSection {
                is_blocked: true,
                ..section
            })
        }
        Err(error) if may_ask_again(deps, job, &error) => {
            Err(StageError::from_provider(&error, None))
        }
        Err(error) => {
            report(job, &error);
            Ok(by_rules(job, &input, tokens))
        }
    }
}

/// What is known of the request without an earlier analysis: what that found is no fact.
fn brief(job: &Claimed) -> Brief {
    let mut request = job.request.clone();
    request.document.analysis = None;
    Brief::new(&request, &job.config)
}

/// Why there is no judgment of the model's.
#[derive(Debug, thiserror::Error)]
enum NoJudgment {
    #[error(transparent)]
    Gemini(GeminiError),
    #[error(transparent)]
    OutsideSchema(#[from] OutsideSchema),
}

impl Classify for NoJudgment {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Gemini(error) => error.disposition(),
            Self::OutsideSchema(_) => Disposition::Retry { after: None },
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Gemini(error) => error.answer(),
            Self::OutsideSchema(_) => None,
        }
    }
}

/// The model's judgment, checked, and the model.
fn judged(
    answered: Result<Answer, GeminiError>,
    input: &AnalysisInput,
) -> Result<(Judgment, String), NoJudgment> {
    let Answer { json, model, .. } = answered.map_err(NoJudgment::Gemini)?;
    let mut judgment = answer::read(&json, input)?;
    judgment.keep_from_deciding(input, |code| rules::is_said(input, code));
    if let Some(floor) = rules::floor(input) {
        judgment.spam_likelihood = judgment.spam_likelihood.max(floor);
    }
    Ok((judgment, model))
}

/// Whether the next try may succeed, comes within seconds, and is still allowed.
fn may_ask_again(deps: &Deps, job: &Claimed, error: &NoJudgment) -> bool {
    let is_worth_it = match error {
        NoJudgment::OutsideSchema(_) => true,
        NoJudgment::Gemini(error) => match error.disposition() {
            Disposition::Retry { after } => {
                // An operator does not fix credentials within seconds.
                let is_refused = matches!(
                    error.fault,
                    GeminiFault::Call(CallError::Unauthorized { .. })
                );
                !is_refused && after.is_none_or(|wait| wait <= PATIENCE)
            }
            Disposition::Hold | Disposition::Park => false,
        },
    };
    let failures = job.row.failures;
    let is_fast = usize::try_from(failures)
        .is_ok_and(|failures| failures < job.config.workflow.retry.fast_ms.len());
    is_worth_it && is_fast && failures.saturating_add(1) < deps.config.model_tries
}

/// Logs that the rules filled in: as an error if an operator has to fix something.
fn report(job: &Claimed, error: &NoJudgment) {
    let (tenant, id) = (&job.request.tenant, job.request.id);
    let is_for_operators = match error {
        NoJudgment::OutsideSchema(_) => false,
        NoJudgment::Gemini(error) => is_for_operators(&error.fault),
    };
    if is_for_operators {
        // Without the model's words: a refusal may repeat what it was asked.
        tracing::error!(
            tenant.id = %tenant, request.id = %id, error = %error,
            "the model cannot be used, an operator must look; request {id} was judged by rules"
        );
    } else {
        tracing::warn!(
            tenant.id = %tenant, request.id = %id, error = %error,
            "no model was available; request {id} was judged by rules"
        );
    }
}

/// Whether an operator has to fix credentials, models or the request.
fn is_for_operators(fault: &GeminiFault) -> bool {
    match fault {
        GeminiFault::NoModel { .. } => true,
        GeminiFault::Call(error) => match error {
            CallError::Token(_)
            | CallError::Unauthorized { .. }
            | CallError::NotFound { .. }
            | CallError::Rejected { .. } => true,
            CallError::Http(_) | CallError::Throttled { .. } | CallError::Unavailable { .. } => {
                false
            }
        },
        GeminiFault::Blocked { .. } | GeminiFault::Unusable(_) => false,
    }
}

fn by_rules(job: &Claimed, input: &AnalysisInput, tokens: Tokens) -> AnalysisSection {
    let revision = job.request.document.revisions.of(Stage::Analysis);
    let engine = Engine::Rules(RULES_VERSION.to_owned());
    rules::judge(input).into_section(revision, engine, RULES_VERSION, tokens)
}

/// Records the tokens that were used. Thoughts are billed as output.
fn record(job: &Claimed, spent: &Spent) {
    for (model, tokens) in &spent.0 {
        let output = u64::from(tokens.output) + u64::from(tokens.thoughts);
        for (unit, amount) in [
            ("model_prompt_tokens", u64::from(tokens.prompt)),
            ("model_output_tokens", output),
        ] {
            if amount > 0 {
                job.record(Record::Usage(Usage {
                    unit: unit.to_owned(),
                    amount,
                    by: model.clone(),
                }));
            }
        }
    }
}
